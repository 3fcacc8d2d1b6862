"""What the gateway answers by itself: the front end, the documentation, the state of the system."""

import msgspec

from tertulia_gateway.apidocs import OPENAPI
from tertulia_gateway.apidocs.page import STYLE, render_page
from tertulia_gateway.browser_spans import BrowserSpans
from tertulia_gateway.headers import SECURITY_WEB
from tertulia_gateway.http1.message import Request
from tertulia_gateway.http1.rules import LocalResponse
from tertulia_gateway.routes import V1
from tertulia_gateway.status import StatusBoard
from tertulia_gateway.web import WebFiles
from tertulia_shared.problems import NotFound
from tertulia_shared.runtime import Health

TRACES = f"{V1}/telemetry/traces"
JSON = "application/json"
HTML = "text/html; charset=utf-8"
CSS = "text/css; charset=utf-8"
FRESH = (("Cache-Control", "no-store"),)
SHORT = (("Cache-Control", "public, max-age=60"),)


class OwnAnswers:
    def __init__(self, web: WebFiles, board: StatusBoard, health: Health, spans: BrowserSpans) -> None:
        self._web = web
        self._board = board
        self._health = health
        self._spans = spans
        self._openapi_json = OPENAPI.read_bytes()
        self._page = render_page(msgspec.json.decode(self._openapi_json)).encode()
        self._answers = {
            f"{V1}/status": self._status,
            "/api/openapi.json": self._openapi,
            "/api/docs": self._docs,
            "/api/docs/style.css": self._style,
            "/healthz": self._healthz,
            "/readyz": self._readyz,
        }

    async def __call__(self, request: Request, path: str, body: bytes) -> LocalResponse:
        if path == TRACES:
            self._spans.take(body)
            return LocalResponse(b"", JSON, 204, FRESH)
        answer = self._answers.get(path)
        if answer is not None:
            return await answer()
        if path.startswith("/api/"):
            raise NotFound
        return await self._web.answer(request, path)

    async def _status(self) -> LocalResponse:
        status = await self._board.status()
        return LocalResponse(msgspec.json.encode(status), JSON, 200, FRESH)

    async def _healthz(self) -> LocalResponse:
        return LocalResponse(b'{"status":"alive"}', JSON, 200, FRESH)

    async def _readyz(self) -> LocalResponse:
        readiness = await self._health.readiness()
        code = 200 if readiness.status == "ready" else 503
        return LocalResponse(msgspec.json.encode(readiness), JSON, code, FRESH)

    async def _openapi(self) -> LocalResponse:
        return LocalResponse(self._openapi_json, JSON, 200, SHORT)

    async def _docs(self) -> LocalResponse:
        return LocalResponse(self._page, HTML, 200, SHORT, SECURITY_WEB)

    async def _style(self) -> LocalResponse:
        return LocalResponse(STYLE, CSS, 200, SHORT)
