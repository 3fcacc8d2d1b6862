"""Asking chat and search: keep-alive connections, a service token, the trace passed on, problems by their code."""

from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from tertulia_shared import telemetry
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.tokens import ServiceTokens

KEEP_ALIVE_S = 60


class Refused(Exception):
    """The other side answered, and the answer is no: an HTTP status below 500 and the problem's code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code


class _Problem(msgspec.Struct):
    code: str = "unknown"


class Peer:
    """One other service. Open for the life of the process."""

    def __init__(self, name: str, url: str, tokens: ServiceTokens, timeout_s: float) -> None:
        self.name = name
        self._url = url.rstrip("/")
        self._tokens = tokens
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=2)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S)
        self._http = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def post(self, path: str, body: Any) -> bytes:
        """The answer's body. Raises Refused, or DependencyUnavailable when there is no (useful) answer."""
        if self._http is None:
            raise DependencyUnavailable(f"{self.name} is not connected yet.")
        headers = {"Authorization": f"Bearer {self._tokens.issue('bot')}", "Content-Type": "application/json"}
        telemetry.inject(headers)
        try:
            async with self._http.post(self._url + path, data=msgspec.json.encode(body), headers=headers) as answer:
                content = await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise DependencyUnavailable(f"{self.name} does not answer.") from error
        if status >= 500 or status in {401, 429}:
            raise DependencyUnavailable(f"{self.name} answers {status}.")
        if status >= 400:
            raise Refused(status, _code_of(content))
        return content


def _code_of(content: bytes) -> str:
    try:
        return msgspec.json.decode(content, type=_Problem).code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "unknown"
