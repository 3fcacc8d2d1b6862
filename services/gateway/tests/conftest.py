"""A real gateway on a real socket in front of real servers, all in the test's own event loop."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvloop
from joserfc.jwk import OKPKey

from tertulia_gateway.app import gateway
from tertulia_gateway.routes import ROUTES, Route
from tertulia_gateway.server import HttpServer
from tertulia_gateway.settings import GatewaySettings
from tertulia_shared.runtime import spawn
from tertulia_shared.runtime.server import HttpServer as AsgiServer
from tertulia_shared.tokens import TokenSigner

USER = "0190a1b2-0000-7000-8000-000000000001"
SESSION = "0190a1b2-0000-7000-8000-000000000002"

SOCKET_OPTIONS = ((socket.SOL_SOCKET, socket.SO_SNDBUF, 128 * 1024),)
"""As notify has them."""

Handler = Callable[["Call"], Awaitable[None]]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that the gateway runs on in production."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Call:
    """One request as the service saw it, with the means to answer."""

    method: str
    path: str
    query: bytes
    headers: dict[str, str]
    receive: Any
    send: Any
    body: bytes = b""

    async def read(self) -> bytes:
        while True:
            message = await self.receive()
            self.body += message.get("body", b"")
            if not message.get("more_body"):
                return self.body

    async def start(self, status: int = 200, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        fields = headers if headers is not None else [(b"content-type", b"text/plain")]
        await self.send({"type": "http.response.start", "status": status, "headers": fields})

    async def write(self, body: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})

    async def answer(
        self, body: bytes = b"", status: int = 200, headers: list[tuple[bytes, bytes]] | None = None
    ) -> None:
        length = (b"content-length", str(len(body)).encode())
        await self.start(status, [*(headers or []), length])
        await self.write(body, more=False)


async def echo(call: Call) -> None:
    """Answer with what arrived."""
    await call.read()
    seen = {
        "service": "echo",
        "method": call.method,
        "path": call.path,
        "query": call.query.decode(),
        "headers": call.headers,
        "body": call.body.decode("latin-1"),
    }
    await call.answer(json.dumps(seen).encode(), headers=[(b"content-type", b"application/json")])


@dataclass
class Service:
    """A service behind the gateway: a small ASGI application under uvicorn."""

    name: str
    jwks: dict[str, Any]
    handler: Handler = echo
    calls: list[Call] = field(default_factory=list)
    ready: bool = True
    lag_s: float | None = None
    _server: AsgiServer | None = None
    _task: "asyncio.Task[None] | None" = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise RuntimeError("no lifespan here")
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        call = Call(scope["method"], scope["path"], scope["query_string"], headers, receive, send)
        match call.path:
            case "/.well-known/jwks.json":
                await call.answer(json.dumps(self.jwks).encode(), headers=[(b"content-type", b"application/json")])
            case "/readyz":
                state = {"state": "up" if self.ready else "down", "required": True, "detail": "secret reason"}
                readiness = {
                    "status": "ready" if self.ready else "not_ready",
                    "dependencies": {"postgres": state},
                    **({} if self.lag_s is None else {"lag_s": self.lag_s}),
                }
                await call.answer(json.dumps(readiness).encode(), 200 if self.ready else 503)
            case _:
                self.calls.append(call)
                await self.handler(call)

    async def start(self, port: int = 0) -> None:
        self._server = AsgiServer(self, "127.0.0.1", port, SOCKET_OPTIONS)
        self._task = spawn(self._server.run(), name=self.name)
        while not self._server.started:
            await asyncio.sleep(0.005)

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        if self._server is not None and self._task is not None:
            await self._server.stop(self._task)
            self._server = None


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes
    lines: list[tuple[str, str]]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """A client that sends exactly the bytes it is given."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes | str) -> None:
        self.writer.write(data.encode("latin-1") if isinstance(data, str) else data)
        await self.writer.drain()

    async def head(self) -> Answer:
        raw = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        status, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        pairs = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        return Answer(int(status.split(" ")[1]), {name.lower(): value for name, value in pairs}, b"", pairs)

    async def read(self, *, method: str = "GET") -> Answer:
        """One whole response."""
        answer = await self.head()
        if method == "HEAD" or answer.status in (204, 304):
            return answer
        if "content-length" in answer.headers:
            answer.body = await asyncio.wait_for(self.reader.readexactly(int(answer.headers["content-length"])), 10)
        elif answer.headers.get("transfer-encoding") == "chunked":
            while chunk := await self.chunk():
                answer.body += chunk
        else:
            answer.body = await asyncio.wait_for(self.reader.read(), 10)
        return answer

    async def chunk(self) -> bytes:
        size = int(await asyncio.wait_for(self.reader.readuntil(b"\r\n"), 10), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def request(
        self,
        method: str = "GET",
        target: str = "/",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        fields = {"Host": "chat.test", **(headers or {})}
        if body is not None:
            fields["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        await self.send(f"{method} {target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + (body or b""))
        return await self.read(method=method)

    async def ended(self, within: float = 5.0) -> bytes:
        """What still comes until the server closes. Raises TimeoutError when it does not."""
        try:
            return await asyncio.wait_for(self.reader.read(), within)
        except ConnectionResetError:
            return b""

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


class House:
    """The gateway with every service behind it."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self.key = OKPKey.generate_key("Ed25519", parameters={"kid": "k1", "alg": "Ed25519", "use": "sig"})
        jwks = {"keys": [self.key.as_dict(private=False)]}
        self.chat = Service("chat", jwks)
        self.notify = Service("notify", jwks)
        self.search = Service("search", jwks)
        self.bot = Service("bot", jwks)
        self.analytics = Service("analytics", jwks)
        self.server: HttpServer

    @property
    def services(self) -> dict[str, Service]:
        return {each.name: each for each in (self.chat, self.notify, self.search, self.bot, self.analytics)}

    async def open(
        self,
        *,
        web: Path | None = None,
        routes: tuple[Route, ...] = ROUTES,
        limits: str = "off",
        proxies: str = "",
        without: str = "",
        traces_to: str | None = None,
    ) -> None:
        """`without` names a part that this installation leaves out."""
        # At once: each takes a fifth of a second to end.
        await asyncio.gather(*[service.start() for service in self.services.values()])
        self._stack.push_async_callback(self._stop)
        parts = {
            f"{name}_service_url": service.url
            for name, service in self.services.items()
            if name in ("search", "bot", "analytics") and name != without
        }
        settings = GatewaySettings(
            port=0,
            chat_url=self.chat.url,
            notify_url=self.notify.url,
            jwks_url=f"{self.chat.url}/.well-known/jwks.json",
            web_dir=web,
            rate_limits=limits,  # pyright: ignore[reportArgumentType]
            trusted_proxies=proxies,
            otel_exporter_otlp_endpoint=traces_to,
            **parts,  # pyright: ignore[reportArgumentType]
        )
        process, self.server = await self._stack.enter_async_context(gateway(settings, routes))
        for component in process.components:
            self._stack.callback(spawn(component.run(), name=component.name).cancel)

    async def _stop(self) -> None:
        await asyncio.gather(*[service.stop() for service in self.services.values()])

    def token(self, user: str = USER, ttl_s: int = 600) -> str:
        return TokenSigner(self.key).issue(user, SESSION, ttl_s)

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}"}

    async def connect(self) -> Connection:
        connection = Connection(*await asyncio.open_connection("127.0.0.1", self.server.port))
        self._stack.push_async_callback(connection.close)
        return connection

    async def ask(
        self,
        target: str = "/",
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """One request on a connection of its own."""
        return await (await self.connect()).request(method, target, headers, body)


@pytest.fixture
async def closed_house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        yield House(stack)


@pytest.fixture
async def house(closed_house: House) -> House:
    await closed_house.open()
    return closed_house
