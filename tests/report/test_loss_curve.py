"""The loss curve as text and as a picture."""

from __future__ import annotations

import math
from pathlib import Path

from dsforge.report.loss_curve import plain, smooth, write_png

FALLING = [(step, 5 * math.exp(-step / 20)) for step in range(1, 81)]


def test_the_text_shows_a_falling_loss() -> None:
    lines = plain(FALLING, width=40, height=8).splitlines()
    assert len(lines) == 8 + 2
    assert lines[0].startswith(f"{FALLING[0][1]:.3f}")
    assert lines[7].startswith(f"{FALLING[-1][1]:.3f}")
    assert lines[0].split("┤")[1][0] != "\u2800"  # high at the left,
    assert len(lines[7].split("┤")[1]) == 40  # low at the right
    assert lines[-1].endswith("80")
    assert all(len(line) <= 40 + len("0.000 ┤") for line in lines)


def test_odd_curves_are_drawn_too() -> None:
    assert plain([]) == "no losses to draw"
    assert plain([(1, math.nan)]) == "no losses to draw"
    assert "2.000" in plain([(1, 2.0)])
    assert "2.000" in plain([(1, 2.0), (2, math.inf), (3, 2.0)])


def test_the_running_mean_keeps_the_ends_and_a_straight_line() -> None:
    line = [(step, float(step)) for step in range(100)]
    assert smooth(line) == line
    assert smooth(FALLING)[0] == FALLING[0]
    assert smooth(FALLING)[-1] == FALLING[-1]


def test_the_picture_is_a_png_with_ink(tmp_path: Path) -> None:
    from matplotlib import image

    for name, points in (("few.png", FALLING[:5]), ("many.png", FALLING)):
        write_png(tmp_path / name, points, [(3, 4.0)], title="a run")
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        pixels = image.imread(tmp_path / name)
        assert pixels.shape[:2] == (630, 1080)
        assert 0.01 < (pixels[..., :3].min(axis=2) < 0.9).mean() < 0.5
