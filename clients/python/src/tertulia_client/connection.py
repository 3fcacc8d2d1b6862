"""One connection to `GET /stream`: open it, read frames, notice when it is dead."""

import asyncio
from time import monotonic

import aiohttp

from tertulia_client.errors import NetworkError, ProtocolError
from tertulia_client.sse import Frame, FrameTooLarge, SseParser
from tertulia_client.transport import Transport

OPEN_S = 15.0
"""How long the server may take to answer the request."""


class Connection:
    """Dead after `silence_s` seconds without a byte: the server sends a heartbeat every 15 to 20 s."""

    def __init__(self, answer: aiohttp.ClientResponse, silence_s: float) -> None:
        self._answer = answer
        self._silence_s = silence_s
        self._parser = SseParser()
        self._last_byte = monotonic()

    @classmethod
    async def open(
        cls, transport: Transport, *, token: str, cursor: str | None, last_event_id: str | None, silence_s: float
    ) -> "Connection":
        """Raises NetworkError, ApiError, ProtocolError."""
        headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
        try:
            async with asyncio.timeout(OPEN_S):
                answer = await transport.open_stream("/stream", token=token, params={"cursor": cursor}, headers=headers)
        except TimeoutError as error:
            raise NetworkError("the stream did not open") from error
        return cls(answer, silence_s)

    async def read(self, until: float | None = None) -> list[Frame]:
        """The frames that came, or none at the monotonic time `until`. Raises NetworkError when the stream ended."""
        dead_at = self._last_byte + self._silence_s
        try:
            async with asyncio.timeout_at(_loop_time(dead_at if until is None else min(dead_at, until))):
                chunk = await self._answer.content.readany()
        except TimeoutError:
            if monotonic() < dead_at:
                return []
            raise NetworkError(f"silent: no byte for {self._silence_s:.0f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(f"broken: {error or type(error).__name__}") from error
        if not chunk:
            raise NetworkError("ended by the server")
        self._last_byte = monotonic()
        try:
            return self._parser.feed(chunk)
        except FrameTooLarge as error:
            raise ProtocolError(str(error)) from error

    def close(self) -> None:
        self._answer.close()


def _loop_time(monotonic_time: float) -> float:
    return asyncio.get_running_loop().time() + monotonic_time - monotonic()
