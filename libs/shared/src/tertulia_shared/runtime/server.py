"""uvicorn inside our own loop: it neither takes the signals nor decides how long stopping may take."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

import uvicorn
from litestar.types import ASGIApp

from tertulia_shared.runtime.http import BoundedHttpProtocol

STOP_S = 4.0
KEEP_ALIVE_S = 75
BACKLOG = 2048

SocketOption = tuple[int, int, int]
"""As `socket.setsockopt` takes them: level, name, value."""


class HttpServer:
    """Serves `app` from `run` to `stop`. Raises OSError at once when the address is taken.

    `socket_options` are set on the listening socket; Linux hands them on to every connection that it accepts.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, socket_options: Sequence[SocketOption] = ()) -> None:
        # uvicorn would end the interpreter when it cannot bind, from inside our loop.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family, backlog=BACKLOG)
        for level, name, value in socket_options:
            self._socket.setsockopt(level, name, value)
        config = uvicorn.Config(
            app=app,  # pyright: ignore[reportArgumentType] -- the same protocol, typed twice
            loop="none",
            http=BoundedHttpProtocol,
            ws="none",
            lifespan="auto",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(STOP_S) - 1,
            backlog=BACKLOG,
        )
        self._server = uvicorn.Server(config)

    @property
    def started(self) -> bool:
        return self._server.started

    @property
    def port(self) -> int:
        """The real port, when 0 was asked for."""
        return self._socket.getsockname()[1]

    async def run(self) -> None:
        """Serves until `stop`. `_serve` is `serve` without the signal handlers."""
        server: Any = self._server
        await server._serve(sockets=[self._socket])

    async def stop(self, running: "asyncio.Task[None]") -> None:
        """Stop accepting, let responses finish, and cut what is left after 4 s."""
        self._server.should_exit = True
        _, pending = await asyncio.wait([running], timeout=STOP_S)
        if pending:
            self._server.force_exit = True
            running.cancel()
            await asyncio.wait([running], timeout=0.5)
