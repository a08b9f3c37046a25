"""Several files that appear together: all are on the disk in full before the first takes its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from dsforge.errors import UsageError
from dsforge.io.atomic import check_writable, is_special
from dsforge.io.naming import file_of
from dsforge.io.write import RowFile, output_of, row_file, sync


def check_outputs(
    sources: Sequence[str],
    outputs: Iterable[str | Path],
    *,
    bundles: bool = False,
    others: Iterable[str | Path] = (),
) -> None:
    """Refuse, before the work, outputs that cannot be written, are one another, or are an input.

    With `bundles` a zip of rows and the files they name can be written too. `others` are outputs that hold no rows.

    Raises:
        UsageError, OutputError, MissingExtraError
    """
    taken: set[Path] = set()
    inputs = {file_of(source).resolve() for source in sources if source != "-"}
    rows = list(outputs)
    for number, output in enumerate([*rows, *others]):
        if str(output) == "-":
            continue
        place = Path(output).resolve()
        if place in inputs:
            raise UsageError(f"{output} is also an input: choose another output, the source is never overwritten")
        if place in taken:
            raise UsageError(f"{output} is named for two outputs: give each a file of its own")
        taken.add(place)
        if number < len(rows) and not (bundles and place.suffix.lower() == ".zip"):
            output_of(output)
        check_writable(Path(output))


@contextmanager
def rows_together(paths: Sequence[str | Path]) -> Iterator[list[RowFile]]:
    """Row files, each of the kind that its name says, that appear when the block ends without an error.

    A full disk is met before the first file takes its name; only the loss of power between two renames can
    leave one without the other. `-` is standard output, which is written as it comes. Once the block has ended,
    `notices` of each file says what the user should know of it.

    Raises:
        UsageError: a kind of file that dsforge does not write.
        OutputError: a place cannot be written to, the disk is full, or a row cannot stand in such a file.
    """
    with ExitStack() as stack:
        files = [stack.enter_context(row_file(path)) for path in paths]
        yield [rows for rows, _ in files]
        for path, (rows, file) in zip(paths, files, strict=True):
            rows.end()
            if str(path) != "-" and not is_special(Path(path)):
                sync(file)
