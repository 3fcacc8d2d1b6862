"""What must hold before a channel is changed."""

import unicodedata

from tertulia_chat import errors
from tertulia_chat.access import ChannelSeat
from tertulia_shared.problems import FieldError, ValidationFailed


def checked_name(wish: str) -> str:
    """As it is stored. Raises ValidationFailed."""
    name = as_stored(wish)
    rest_allowed = all(_is_word(character) or character in "._-" for character in name)
    if not _is_word(name[0]) or not rest_allowed:
        detail = "Letters, digits, dots, underscores and hyphens, the first a letter or digit."
        raise ValidationFailed(errors=[FieldError(detail=detail, pointer="/name")])
    return name


def as_stored(name: str) -> str:
    """Names differ by more than case and by more than how their letters are composed."""
    return unicodedata.normalize("NFC", name).lower()


def check_open(seat: ChannelSeat) -> None:
    if seat.channel.archived_at is not None:
        raise errors.ChannelArchived


def check_not_direct(seat: ChannelSeat, detail: str | None = None) -> None:
    if seat.channel.is_direct:
        raise errors.DirectChannel(detail)


def _is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"
