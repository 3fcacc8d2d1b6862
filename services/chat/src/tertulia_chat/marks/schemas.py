"""What the addresses of marks answer."""

from datetime import datetime

from tertulia_shared.events import Message, View


class MarkedMessage(View, frozen=True, kw_only=True):
    message: Message


class PinPage(View, frozen=True, kw_only=True):
    items: list[Message]
    next: str | None


class SavedMessage(View, frozen=True, kw_only=True):
    message: Message
    saved_at: datetime


class SavedPage(View, frozen=True, kw_only=True):
    items: list[SavedMessage]
    next: str | None
