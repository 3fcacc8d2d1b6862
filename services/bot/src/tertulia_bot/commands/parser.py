"""From a typed line to a name and the rest.

`/name rest`: the name ends at white space, the rest is kept as typed, with its line breaks. `word` takes the first word
of it, or what stands in quotation marks. Text that begins with two slashes is no command.
"""

import re
from typing import NamedTuple

_COMMAND = re.compile(r"/(?P<name>[^\s/]\S*)(?:\s+(?P<rest>.*))?\Z", re.DOTALL)
_QUOTED = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»"}


class Typed(NamedTuple):
    name: str
    rest: str


def parse(text: str) -> Typed | None:
    """None for text that is no command."""
    found = _COMMAND.match(text.strip())
    return None if found is None else Typed(found["name"].lower(), (found["rest"] or "").strip())


def word(rest: str) -> tuple[str, str]:
    """The first word, or what stands in quotation marks, and what follows it. An unclosed mark is a letter."""
    closing = _QUOTED.get(rest[:1])
    if closing is not None:
        inside, found, after = rest[1:].partition(closing)
        if found:
            return inside.strip(), after.strip()
    first, *others = rest.split(None, 1) or [""]
    return first, others[0].strip() if others else ""
