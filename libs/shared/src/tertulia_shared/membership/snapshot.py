"""Where the projection starts from: chat's list of memberships, streamed as one JSON object a line."""

from collections.abc import AsyncIterator
from math import inf

import aiohttp
import msgspec

from tertulia_shared.bus import NotYet
from tertulia_shared.events import ChannelKind, PresenceWish
from tertulia_shared.membership.projection import Projection
from tertulia_shared.membership.revocations import Revocations
from tertulia_shared.tokens import ServiceTokens

PATH = "/internal/v1/memberships"
ASKED_FOR = {"wishes": "true"}
"""Lines that a release before would not have understood come only to who asks for them."""
CHUNK_BYTES = 128 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=3, sock_read=10)


class SnapshotFailed(NotYet):
    """chat could not be asked, or its answer broke off."""


class Line(msgspec.Struct):
    """A channel membership (c, w, u, s), a channel and how far it is (c, n, and from a newer chat w, k, name, bans), a
    workspace membership (w, u, role, and from a newer chat name, bot), how a person wants to appear (u, wish), a
    revoked session, or the end. Fields that a yet newer chat adds are passed over.

    `bans` are those from the channel, by person: until when, or null for until it is lifted, and of when they are; unix
    seconds."""

    c: str | None = None
    w: str | None = None
    u: str | None = None
    s: int = 0
    n: int | None = None
    k: str | None = None
    name: str | None = None
    bans: dict[str, tuple[float | None, float]] = {}
    role: str = ""
    bot: bool = False
    wish: str | None = None
    revoked: str | None = None
    exp: float = 0.0
    end: bool = False
    count: int = 0


_decoder = msgspec.json.Decoder(Line)


class SnapshotLoader:
    """Asks chat as `service`."""

    def __init__(self, chat_url: str, tokens: ServiceTokens, revocations: Revocations, service: str) -> None:
        self._url = chat_url.rstrip("/") + PATH
        self._tokens = tokens
        self._revocations = revocations
        self._service = service

    async def load(self) -> Projection:
        """Raises SnapshotFailed; a half-read snapshot is never used."""
        projection = Projection()
        headers = {"Authorization": f"Bearer {self._tokens.issue(self._service)}"}
        seen = 0
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as http,
                http.get(self._url, headers=headers, params=ASKED_FOR) as answer,
            ):
                answer.raise_for_status()
                async for lines in _lines(answer.content):
                    for line in lines:
                        if line.end:
                            _check_count(seen, line.count)
                            return projection
                        take(line, projection, self._revocations)
                        seen += 1
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise SnapshotFailed(f"{self._url}: {error!r}") from error
        raise SnapshotFailed(f"{self._url}: broke off after {seen} lines")


def take(line: Line, projection: Projection, revocations: Revocations) -> None:
    """Raises SnapshotFailed for a line that says nothing."""
    if line.revoked is not None:
        revocations.add(line.revoked, line.exp)
    elif line.c is not None and line.n is not None:
        projection.reflects(line.c, line.n)
        if line.w is not None:
            projection.describe_channel(line.c, line.w, _kind(line.k), line.name, line.n)
        for user_id, (until, at) in line.bans.items():
            projection.ban(line.c, user_id, inf if until is None else until, at)
    elif line.u is not None and line.wish is not None:
        projection.wish_presence(line.u, _wish(line.wish))
    elif line.w is None or line.u is None:
        raise SnapshotFailed("a line without a workspace or a user")
    elif line.c is not None:
        projection.join(line.c, line.w, line.u, line.s)
    else:
        projection.describe_person(line.u, line.name, bot=line.bot)
        projection.join_workspace(line.w, line.u, line.role)


def _kind(name: str | None) -> ChannelKind | None:
    """A kind that this release does not know is read by its members only, like one that is not told."""
    try:
        return None if name is None else ChannelKind(name)
    except ValueError:
        return None


def _wish(name: str) -> PresenceWish:
    """A wish that this release does not know is kept by showing nothing."""
    try:
        return PresenceWish(name)
    except ValueError:
        return PresenceWish.OFFLINE


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[list[Line]]:
    rest = b""
    async for chunk in content.iter_chunked(CHUNK_BYTES):
        whole, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            yield _decoder.decode_lines(whole)
    if rest:
        yield _decoder.decode_lines(rest)


def _check_count(seen: int, announced: int) -> None:
    if seen != announced:
        raise SnapshotFailed(f"{seen} lines came, {announced} were announced")
