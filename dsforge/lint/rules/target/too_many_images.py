"""More images or videos in a row than the target takes.

Why is this bad?
    The platform refuses the row, or the file. Runs where a target is given with `--target`.

Options:
    target=bedrock/nova-lite

Bad:
    {"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": "user", "content": [{"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/1.mp4"}}}}, {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/2.mp4"}}}}]}, {"role": "assistant", "content": [{"text": "Two films"}]}]}

Good:
    {"schemaVersion": "bedrock-conversation-2024", "messages": [{"role": "user", "content": [{"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://b/1.mp4"}}}}]}, {"role": "assistant", "content": [{"text": "A film"}]}]}
"""  # noqa: E501

from __future__ import annotations

from typing import TYPE_CHECKING

from dsforge.lint.rule import Report, Seen, TargetRule
from dsforge.lint.target import written_messages

if TYPE_CHECKING:
    from dsforge.targets.profile import Target


def _check(seen: Seen, target: Target, report: Report) -> None:
    if not any(message.media for message in seen.example.all_messages()):
        return
    rules = target.images
    places: dict[str, list[str]] = {}
    for written in written_messages(seen):
        for media, place in written.files():
            places.setdefault(media.kind, []).append(place)
    for kind, most in (("image", rules.max_per_row), ("video", rules.max_videos)):
        found = places.get(kind, [])
        if most is not None and len(found) > most:
            report(f"{len(found)} {kind}s; {target.called} takes at most {most} in a row", found[most],
                   "leave some out, or split the row")  # fmt: skip
    if not rules.mixed and "image" in places and "video" in places:
        report(f"images and a video in one row; {target.called} takes either", places["video"][0], "split the row")


RULE = TargetRule("X813", "error", _check)
