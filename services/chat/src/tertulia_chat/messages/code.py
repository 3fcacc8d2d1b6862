"""A text without its code: what stands in a fence or between backticks is quoted, and names nobody.

As CommonMark has it, as far as it matters here: a fence that is not closed goes on to the end, a span ends with as many
backticks as it began with and does not reach over an empty line. In doubt (a fence inside a list or a quotation) it is
code. Every character is looked at a fixed number of times.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator

_FENCE = re.compile(r"[ \t>]*(?P<fence>`{3,}|~{3,})")
_BETWEEN_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_RUN = re.compile(r"`+")
_MARK = re.compile(r"\\[\\`]|(?P<run>`+)")
"""An escaped character, or what may begin a span."""


def without_code(text: str) -> str:
    """A space stands where a span was."""
    if "`" not in text and "~~~" not in text:
        return text
    outside = "\n".join(_outside_fences(text))
    return "\n\n".join(_without_spans(paragraph) for paragraph in _BETWEEN_PARAGRAPHS.split(outside))


def _outside_fences(text: str) -> Iterator[str]:
    """The lines that are not in a fence; an empty one for each fence."""
    fence = ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        rest = line[mark.end() :] if mark else ""
        if fence:
            if mark and mark["fence"].startswith(fence) and not rest.strip():
                fence = ""
        elif mark and not (mark["fence"][0] == "`" and "`" in rest):
            fence = mark["fence"]
            yield ""
        else:
            yield line


def _without_spans(paragraph: str) -> str:
    runs: dict[int, list[int]] = {}
    for run in _RUN.finditer(paragraph):
        runs.setdefault(len(run[0]), []).append(run.start())
    kept: list[str] = []
    start = place = 0
    while (mark := _MARK.search(paragraph, place)) is not None:
        place = mark.end()
        length = len(mark["run"] or "")
        ends = runs.get(length, [])
        at = bisect_left(ends, place)
        if at < len(ends):
            kept.append(paragraph[start : mark.start()])
            start = place = ends[at] + length
    return " ".join([*kept, paragraph[start:]])
