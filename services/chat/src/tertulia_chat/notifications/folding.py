"""Finding a keyword in a text as people mean it: whole words, in any script, however it is written.

Both are folded in the same way first: compatibility forms are made equal, case is dropped, white space is one space.
Scripts that are written without spaces between words get one around every character, so that each may begin a word and
end one. A combining mark belongs to the word that it stands in.
"""

import re
import unicodedata
from itertools import groupby

_ASCII_WORD = re.compile(r"\w+", re.ASCII)
# Thai to Tibetan, Myanmar, Khmer, kana, Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


def fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if not folded.isascii():
        folded = _UNSPACED.sub(r" \g<0> ", folded)
    return " ".join(folded.split())


def words(folded: str) -> list[str]:
    """In their order, with repetitions."""
    if folded.isascii():
        return _ASCII_WORD.findall(folded)
    return ["".join(run) for inside, run in groupby(folded, _in_word) if inside]


def occurs(keyword: str, text: str) -> bool:
    """Both folded. A keyword that begins or ends with a letter does not do so inside a word; "c++" ends anywhere."""
    at = text.find(keyword)
    while at >= 0:
        end = at + len(keyword)
        begins = at == 0 or not (_in_word(keyword[0]) and _in_word(text[at - 1]))
        ends = end == len(text) or not (_in_word(keyword[-1]) and _in_word(text[end]))
        if begins and ends:
            return True
        at = text.find(keyword, at + 1)
    return False


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"
