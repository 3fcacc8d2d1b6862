"""One HTTP request: send it, decode the answer or raise its typed error. No retries, no tokens."""

from collections.abc import Mapping
from typing import TypeVar

import aiohttp
import msgspec

from tertulia_client.errors import ClientClosed, NetworkError, ProtocolError, api_error

T = TypeVar("T")

Params = Mapping[str, str | int | None]

USER_AGENT = "tertulia-client/0.1"


class Transport:
    """Owns the connection pool. Times out after `timeout_s` seconds in all, or `connect_s` while connecting."""

    def __init__(self, base_url: str, *, timeout_s: float = 20.0, connect_s: float = 5.0) -> None:
        self.base_url = base_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, sock_connect=connect_s)
        self._stream_timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    @property
    def session(self) -> aiohttp.ClientSession:
        # Made on first use: a ClientSession wants a running loop, building a Client should not.
        if self._closed:
            raise ClientClosed("this client was closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=0),
            )
        return self._session

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        params: Params | None = None,
        token: str | None = None,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The body of a 2xx answer. Raises NetworkError and ApiError."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        data: bytes | None = None
        if body is not None:
            data = msgspec.json.encode(body)
            sent["Content-Type"] = "application/json"
        timeout = self._timeout if timeout_s is None else aiohttp.ClientTimeout(total=timeout_s)
        try:
            async with self.session.request(
                method, self.url(path), data=data, params=_given(params), headers=sent, timeout=timeout
            ) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NetworkError(f"{method} {path}: {error or type(error).__name__}") from error
        if answer.status >= 300:
            raise api_error(answer.status, content, answer.headers)
        return content

    async def open_stream(
        self, path: str, *, token: str, params: Params, headers: Mapping[str, str]
    ) -> aiohttp.ClientResponse:
        """The answer of a request that never ends; close it. Raises NetworkError, ApiError and ProtocolError."""
        try:
            answer = await self.session.get(
                self.url(path),
                params=_given(params),
                headers={"Accept": "text/event-stream", "Authorization": f"Bearer {token}", **headers},
                timeout=self._stream_timeout,
            )
            if answer.status != 200:
                async with answer:
                    raise api_error(answer.status, await answer.read(), answer.headers)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NetworkError(f"GET {path}: {error or type(error).__name__}") from error
        if answer.content_type != "text/event-stream":
            answer.close()
            raise ProtocolError(f"GET {path} answered {answer.content_type}, not an event stream")
        return answer

    def url(self, path: str) -> str:
        return f"{self.base_url}/api/v1{path}"


def _given(params: Params | None) -> dict[str, str]:
    return {name: str(value) for name, value in (params or {}).items() if value is not None}


def decode(content: bytes, type_: type[T]) -> T:
    """Raises ProtocolError."""
    try:
        return msgspec.json.decode(content, type=type_)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"the answer is no {type_}: {error}") from error
