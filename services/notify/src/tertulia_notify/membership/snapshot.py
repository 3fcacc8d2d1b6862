"""Where the projection starts from: chat's list of memberships, streamed as one JSON object a line."""

from collections.abc import AsyncIterator

import aiohttp
import msgspec

from tertulia_notify.membership.projection import Projection
from tertulia_notify.membership.revocations import Revocations
from tertulia_shared.tokens import ServiceTokens

PATH = "/internal/v1/memberships"
CHUNK_BYTES = 128 * 1024
TIMEOUT = aiohttp.ClientTimeout(total=60, sock_connect=3, sock_read=10)


class SnapshotFailed(Exception):
    """chat could not be asked, or its answer broke off."""


class Line(msgspec.Struct):
    """A channel membership (c, w, u, s), how far a channel is (c, n), a workspace membership (w, u, role), a revoked
    session, or the end. Fields that a newer chat adds are passed over."""

    c: str | None = None
    w: str | None = None
    u: str | None = None
    s: int = 0
    n: int | None = None
    role: str = ""
    revoked: str | None = None
    exp: float = 0.0
    end: bool = False
    count: int = 0


_decoder = msgspec.json.Decoder(Line)


class SnapshotLoader:
    def __init__(self, chat_url: str, tokens: ServiceTokens, revocations: Revocations) -> None:
        self._url = chat_url.rstrip("/") + PATH
        self._tokens = tokens
        self._revocations = revocations

    async def load(self) -> Projection:
        """Raises SnapshotFailed; a half-read snapshot is never used."""
        projection = Projection()
        headers = {"Authorization": f"Bearer {self._tokens.issue('notify')}"}
        seen = 0
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT) as http,
                http.get(self._url, headers=headers) as answer,
            ):
                answer.raise_for_status()
                async for lines in _lines(answer.content):
                    for line in lines:
                        if line.end:
                            _check_count(seen, line.count)
                            return projection
                        self._take(line, projection)
                        seen += 1
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError) as error:
            raise SnapshotFailed(f"{self._url}: {error!r}") from error
        raise SnapshotFailed(f"{self._url}: broke off after {seen} lines")

    def _take(self, line: Line, projection: Projection) -> None:
        if line.revoked is not None:
            self._revocations.add(line.revoked, line.exp)
        elif line.c is not None and line.n is not None:
            projection.reflects(line.c, line.n)
        elif line.w is None or line.u is None:
            raise SnapshotFailed(f"{self._url}: a line without a workspace or a user")
        elif line.c is not None:
            projection.join(line.c, line.w, line.u, line.s)
        else:
            projection.join_workspace(line.w, line.u, line.role)


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
