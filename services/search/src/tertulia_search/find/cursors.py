"""Where a page of results ended, as a text for the client.

Nothing in a cursor is secret and nothing in it gives a permission: the next page is searched, filtered and checked like
the first. It holds a mark of its query, so that it is not mistaken for a place in another one.

By time, a cursor is the last message's place: what is posted meanwhile neither repeats nor hides anything. By relevance
it is how many came before, among the messages that were there when the first page was asked for.
"""

import base64
import binascii
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from tertulia_search.engines.port import LAST_MS, TIE_BITS, Position, Sort
from tertulia_search.errors import CursorInvalid
from tertulia_shared.problems import FieldError

MAX_LENGTH = 512
LAST_TIE = (1 << TIE_BITS) - 1


@dataclass(frozen=True, slots=True)
class ByTime:
    after: Position


@dataclass(frozen=True, slots=True)
class ByRelevance:
    offset: int
    until_ms: int


Place = ByTime | ByRelevance


class _Sealed(msgspec.Struct, array_like=True, frozen=True):
    mark: str
    number: int
    tie: int
    message_id: str


_decoder = msgspec.json.Decoder(_Sealed)


def mark_of(workspace_id: str, query: str, sort: Sort) -> str:
    return blake2b("\0".join((workspace_id, query, sort)).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def write(mark: str, place: Place) -> str:
    match place:
        case ByTime(after):
            sealed = _Sealed(mark, after.created_ms, after.tie, after.message_id)
        case ByRelevance(offset, until_ms):
            sealed = _Sealed(mark, offset, until_ms, "")
    return base64.urlsafe_b64encode(msgspec.json.encode(sealed)).rstrip(b"=").decode()


def read(text: str, mark: str, sort: Sort) -> Place:
    """Raises CursorInvalid."""
    try:
        sealed = _decoder.decode(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, UnicodeError, msgspec.DecodeError):
        raise _invalid() from None
    by_relevance = sort == "relevance"
    if sealed.mark != mark or by_relevance == bool(sealed.message_id):
        raise _invalid()
    # Numbers that no page ever ended with: the engine could not even look there.
    if not 0 <= sealed.number <= LAST_MS or not 0 <= sealed.tie <= (LAST_MS if by_relevance else LAST_TIE):
        raise _invalid()
    if by_relevance:
        return ByRelevance(sealed.number, sealed.tie)
    return ByTime(Position(sealed.number, sealed.tie, sealed.message_id))


def _invalid() -> CursorInvalid:
    return CursorInvalid(errors=[FieldError(detail="Start again without a cursor.", parameter="cursor")])
