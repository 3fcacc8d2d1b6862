"""`/metrics`, `/healthz` and `/readyz` for operators, on a port of their own, on the loopback unless told otherwise.

The public port never shows metrics: what is behind it could be anybody.
"""

import asyncio

from litestar import Litestar

from tertulia_shared.runtime import Health, health_routes, spawn
from tertulia_shared.runtime.server import HttpServer as AsgiServer


class OpsServer:
    name = "ops"

    def __init__(self, host: str, port: int, health: Health) -> None:
        self._server = AsgiServer(Litestar(health_routes(health), openapi_config=None), host, port)

    async def run(self) -> None:
        # Cancelled in the middle, uvicorn would log its lifespan task's traceback at every shutdown.
        serving = spawn(self._server.run(), name="serve operators")
        try:
            await asyncio.shield(serving)
        finally:
            await self._server.stop(serving)
