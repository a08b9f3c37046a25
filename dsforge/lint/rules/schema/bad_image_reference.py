"""An image, video or sound that is given by no URL, no data URL and no path.

Why is this bad?
    It cannot be loaded: the trainer stops in the middle of the run, or trains the question without the image. Often an
    empty cell of a table became `nan` or `None`, or a description stands in the place of the file.

Bad:
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "None"}}]}, {"role": "assistant", "content": "A cat"}]}

Good:
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}]}, {"role": "assistant", "content": "A cat"}]}
"""  # noqa: E501

from dsforge.example import Example
from dsforge.lint.rule import ExampleRule, Report
from dsforge.lint.rules.schema.media_places import media_places

_SCHEMES = frozenset({
    "http", "https", "file", "s3", "s3a", "gs", "oss", "cos", "tos", "obs", "hdfs", "hf", "az", "abfs", "abfss",
    "wasbs", "adl", "ftp", "sftp", "ms", "fileid", "zip", "memory", "r2", "dbfs", "asset", "mm",
})  # fmt: skip
_NOTHING = frozenset({"none", "null", "nan", "undefined", "n/a", "<image>", "[object object]", "[image]", "image"})


def _check(example: Example, report: Report) -> None:
    for index, media, places in media_places(example):
        if media.url[:5].lower() != "data:" and (wrong := _wrong(media.url)):
            report(f"the {media.kind} {wrong}", index, "give a URL, a data URL or the path of the file", beside=places)


def _wrong(url: str) -> str:
    if not url.strip():
        return "is given by an empty text"
    if url.strip().lower() in _NOTHING:
        return f"is given as {url.strip()!r}, which is no file"
    if len(url) > 4096:
        return ""  # bytes in base64, which another rule looks at
    scheme, mark, rest = url.partition("://")
    if not mark:
        if url.lower().startswith(("http:", "https:")):
            return f"has a URL with too few slashes: {url[:60]!r}"
        words = any(space in url.strip() for space in " \n\t") and "." not in url and "/" not in url
        return f"is given as {url[:60]!r}: words, and no path" if words or "\n" in url.strip() else ""
    if scheme.lower() not in _SCHEMES:
        return f"has a URL that begins with {scheme[:20]!r}://, which nothing here loads"
    if scheme.lower() in ("http", "https"):
        host = rest.partition("/")[0]
        if not host or host.startswith((".", ":", "?")):
            return f"has a URL without a host: {url[:60]!r}"
        if " " in url.strip() or "\n" in url:
            return f"has a URL with spaces in it: {url[:80]!r}"
    return ""


RULE = ExampleRule("S114", "error", _check, concerns=("parts",))
