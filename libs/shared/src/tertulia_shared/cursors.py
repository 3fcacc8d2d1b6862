"""Sealed positions in the event stream.

Two kinds, sealed with the same key (ChaCha20-Poly1305, RFC 8439):

* an *event id* holds a position alone. It is sealed once per event and is the same for everybody, so that the bytes
  of a frame are built once;
* a *user cursor* also holds the user and the time of issue. It is what `hello`, bootstrap and the long poll hand out,
  and it opens for that user only, for seven days.

A position says nothing about permission: what is replayed from it is filtered by the reader's memberships. Sealing
keeps traffic volumes private and makes a made-up position impossible. See docs/decisions/0003-cursors.md.
"""

import base64
import binascii
import os
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from tertulia_shared.settings import SecretKeys

LIFETIME = timedelta(days=7)
"""No longer than the event log is kept."""

_NONCE_BYTES = 12
_EPOCH_DIGITS = 16
_EVENT = struct.Struct(">B8sQ")
_USER = struct.Struct(">B8sQ16sI")
_KIND_EVENT, _KIND_USER = 1, 2

Rejection = Literal["invalid", "foreign", "expired"]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in one life of the stream.

    `epoch` is the first 16 hex digits of the stream's incarnation (longer ones are cut), `seq` its sequence number.
    """

    epoch: str
    seq: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "epoch", self.epoch[:_EPOCH_DIGITS])


class CursorRejected(Exception):
    """The cursor is not ours, not yours or too old; the client starts over from a snapshot."""

    def __init__(self, reason: Rejection) -> None:
        super().__init__(reason)
        self.reason: Rejection = reason


class CursorSealer:
    def __init__(self, secrets: SecretKeys, *, random_bytes: Callable[[int], bytes] = os.urandom) -> None:
        self._ciphers = [ChaCha20Poly1305(key) for key in secrets.derive("cursors")]
        self._random_bytes = random_bytes

    def seal_event(self, position: Position) -> str:
        """The `id:` of an event's frame."""
        return self._seal(_EVENT.pack(_KIND_EVENT, bytes.fromhex(position.epoch), position.seq))

    def seal_user(self, user_id: str, position: Position, now: datetime) -> str:
        """A cursor that only `user_id` can resume from."""
        issued = int(now.timestamp())
        user = uuid.UUID(user_id).bytes
        return self._seal(_USER.pack(_KIND_USER, bytes.fromhex(position.epoch), position.seq, user, issued))

    def open(self, text: str, user_id: str, now: datetime) -> Position:
        """The position inside either kind. Raises CursorRejected."""
        plain = self._unseal(text)
        if len(plain) == _EVENT.size and plain[0] == _KIND_EVENT:
            _, epoch, seq = _EVENT.unpack(plain)
            return Position(epoch.hex(), seq)
        if len(plain) != _USER.size or plain[0] != _KIND_USER:
            raise CursorRejected("invalid")
        _, epoch, seq, user, issued = _USER.unpack(plain)
        if user != uuid.UUID(user_id).bytes:
            raise CursorRejected("foreign")
        if datetime.fromtimestamp(issued, UTC) + LIFETIME < now:
            raise CursorRejected("expired")
        return Position(epoch.hex(), seq)

    def _seal(self, plain: bytes) -> str:
        nonce = self._random_bytes(_NONCE_BYTES)
        return base64.urlsafe_b64encode(nonce + self._ciphers[0].encrypt(nonce, plain, None)).rstrip(b"=").decode()

    def _unseal(self, text: str) -> bytes:
        try:
            sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (binascii.Error, ValueError):
            raise CursorRejected("invalid") from None
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, body, None)
            except (InvalidTag, ValueError):
                continue
        raise CursorRejected("invalid")
