"""Our HTTP server on a real socket, and one connection to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tertulia_shared.runtime import spawn
from tertulia_shared.runtime.server import HttpServer


@asynccontextmanager
async def connected_to(app) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    server = HttpServer(app, "127.0.0.1", 0)
    serving = spawn(server.run(), name="http")
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    yield reader, writer
    writer.close()
    await server.stop(serving)
