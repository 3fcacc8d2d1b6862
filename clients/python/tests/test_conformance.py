"""The SDK against clients/conformance: the scripts that every client of the stream must pass.

A real HTTP server follows a script; the clock is a virtual one, so that waits are exact and cost nothing.
"""

import asyncio
import json
import re
import time
from collections import defaultdict, deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tertulia_client import (
    Client,
    Event,
    MessageCreated,
    Reset,
    Tokens,
    Unauthenticated,
    connection,
    stream,
    tokens,
)
from tertulia_client.events import Unknown

from .virtual_time import VirtualTimeLoop

SUITE = Path(__file__).parents[2] / "conformance"
ABILITIES: frozenset[str] = frozenset()
"""What a script may need beyond the stream; a library has no page that is hidden and shown."""

PATIENCE_S = 200.0
"""Virtual seconds after which a connection that a script waits for will not come."""

TICK_S = 0.001

Json = dict[str, Any]


def cases() -> Iterable[Any]:
    """All that need nothing which a library lacks."""
    for path in sorted(SUITE.glob("*.json")):
        if path.name == "world.json":
            continue
        for case in json.loads(path.read_text(encoding="utf-8")):
            if ABILITIES.issuperset(case.get("needs", [])):
                yield pytest.param(case, id=f"{path.stem}: {case['name']}")


class World:
    """What world.json describes, filled in."""

    def __init__(self) -> None:
        self._parts: Json = json.loads((SUITE / "world.json").read_text(encoding="utf-8"))

    def part(self, name: str, /, **values: str | int) -> Json:
        text = json.dumps(self._parts[name], ensure_ascii=False)
        for key, value in values.items():
            if isinstance(value, int):
                text = text.replace(f'"${key.upper()}"', str(value))
            text = text.replace(f"${key.upper()}", str(value))
        return json.loads(text)

    def event(self, name: str, type_: str = "message.created") -> Json:
        channel, seq = split(name)
        return self.part("event", name=name, channel=channel, seq=seq, type=type_)

    def expand(self, text: str) -> str:
        """Replace the macros, `${…}`."""
        return re.sub(r"\$\{([^}]*)\}", lambda found: self._macro(*found[1].split(" ")), text)

    def _macro(self, name: str, *arguments: str) -> str:
        match name:
            case "json":
                return json.dumps(self.event(*arguments), ensure_ascii=False)
            case "lines":
                text = json.dumps(self.event(*arguments), ensure_ascii=False, indent=1)
                return "\n".join(f"data: {line}" for line in text.splitlines())
            case "hello" | "fresh":
                hello = {"resumed": name == "hello", "cursor": arguments[0], "server": "s1", "rotate_s": 600}
                return f"event: hello\ndata: {json.dumps(hello)}\n\n"
            case "reset":
                return f"event: reset\ndata: {json.dumps({'reason': arguments[0], 'cursor': arguments[1]})}\n\n"
            case "bye":
                return f"event: bye\ndata: {json.dumps({'reason': arguments[0], 'retry_ms': int(arguments[1])})}\n\n"
            case event:
                return f"id: p.{event}\nevent: message.created\ndata: {self._macro('json', event)}\n\n"


def split(name: str) -> tuple[str, int]:
    """`A12` is the event with `ch_seq` 12 of channel A."""
    return name[0], int(name[1:])


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Arrival:
    """A request for the stream that waits for what the script answers."""

    position: str | None
    token: str
    at: float
    answer: "asyncio.Future[web.StreamResponse]" = field(default_factory=asyncio.Future)
    request: web.Request | None = None
    done: asyncio.Event = field(default_factory=asyncio.Event)


class ScriptedServer:
    """Answers by the log; the stream, and what a script plans, by the script."""

    def __init__(self, world: World, case: Json) -> None:
        self.world = world
        self.page: int = case.get("page", 50)
        self.log: dict[str, int] = {"A": 0, "B": 0, **case.get("log", {})}
        self.planned: dict[str, deque[Any]] = defaultdict(deque)
        self.asked: dict[str, list[str]] = defaultdict(list)
        self.snapshots = 0
        self.arrivals: asyncio.Queue[Arrival] = asyncio.Queue()
        self.repeat_due_at: float | None = None
        """aiohttp itself repeats a GET once, at once, when it was cut: no attempt of the client's."""
        self._tokens = 1

    async def handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v1")
        if path == "/stream":
            return await self._stream(request)
        key = f"{request.method} {path}"
        self.asked[key].append(f"after={request.query['after']}" if "after" in request.query else "")
        if self.planned[key]:
            return refusal(self.planned[key].popleft(), request)
        return web.json_response(self._answer(key, request))

    def _answer(self, key: str, request: web.Request) -> Json:
        part = self.world.part
        match key.split("/")[1:]:
            case ["auth", "refresh"]:
                self._tokens += 1
                return {"user": part("me"), "access_token": f"t{self._tokens}", "token_type": "Bearer",
                        "expires_in": 86_400, "refresh_token": "r"}  # fmt: skip
            case ["workspaces"]:
                return {"items": [{"workspace": part("workspace"), "role": "member"}]}
            case ["workspaces", "w", "bootstrap"]:
                self.snapshots += 1
                return {"cursor": "c0", "me": part("me"), "workspace": part("workspace"), "role": "member",
                        "channels": [part("channel", channel=id_, seq=seq) for id_, seq in self.log.items()],
                        "members": [], "server_time": "2026-11-21T04:00:00.123Z"}  # fmt: skip
            case ["channels", channel, "events"]:
                first = int(request.query["after"]) + 1
                last = self.log[channel]
                items = [self.world.event(f"{channel}{seq}") for seq in range(first, last + 1)][: self.page]
                return {"items": items, "last_seq": last, "has_more": first - 1 + len(items) < last}
            case _:
                raise AssertionError(f"the client asked for {key}, which no script needs")

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if self.repeat_due_at == now():
            self.repeat_due_at = None
            return refusal("cut", request)
        arrival = Arrival(
            position=request.headers.get("Last-Event-ID") or request.query.get("cursor"),
            token=request.headers["Authorization"].removeprefix("Bearer "),
            at=now(),
            request=request,
        )
        self.arrivals.put_nowait(arrival)
        answer = await arrival.answer
        await arrival.done.wait()
        return answer


def refusal(answer: Any, request: web.Request) -> web.Response:
    if answer == "cut":
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
    body = {"type": "about:blank", "title": answer["code"], "status": answer["status"], "code": answer["code"]}
    return web.Response(
        status=answer["status"],
        body=json.dumps(body),
        content_type="application/problem+json",
        headers=answer.get("headers", {}),
    )


class Observer:
    """Reads the client's stream to its end and notes what it yields."""

    def __init__(self, client: Client) -> None:
        self.events: list[str] = []
        self.lost: set[str] = set()
        self._client = client
        self._task = asyncio.create_task(self._observe())

    @property
    def ended(self) -> bool:
        return self._task.done()

    async def _observe(self) -> None:
        with suppress(Unauthenticated):  # One of the two ways to say that the session is over.
            async with self._client.stream() as items:
                async for item in items:
                    match item:
                        case Event(data=MessageCreated(message=message)):
                            assert message.text == f"{item.id} grüßt 🦉"
                            self.events.append(item.id)
                        case Event(data=Unknown()):
                            self.events.append(item.id)
                        case Reset(channel_id=channel):
                            self.lost.add(channel)
                        case _:
                            pass

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


class Script:
    """Performs a case's steps, one method for each verb."""

    def __init__(self, server: ScriptedServer, observer: Observer) -> None:
        self._server = server
        self._observer = observer
        self._arrival: Arrival | None = None
        self._answer: web.StreamResponse | None = None
        self._last_deed = now()

    async def run(self, steps: list[Json]) -> None:
        for step in steps:
            options = dict(step)
            verb, argument = next(iter(step.items()))
            del options[verb]
            await getattr(self, f"do_{verb}")(argument, **options)
        await asyncio.sleep(TICK_S)
        assert self._server.arrivals.empty(), "the client connected once more than the script says"

    async def do_connect(self, expected: Json) -> None:
        async with asyncio.timeout(PATIENCE_S):
            arrival = await self._server.arrivals.get()
        if "position" in expected:
            assert arrival.position == expected["position"]
        if "token" in expected:
            assert arrival.token == expected["token"]
        if "after_ms" in expected:
            least, most = expected["after_ms"]
            assert least - 1 <= (arrival.at - self._last_deed) * 1000 <= most
        self._leave()
        self._arrival = arrival
        await self._reply(arrival, expected.get("answer", "stream"))
        self._last_deed = now()

    async def _reply(self, arrival: Arrival, answer: Any) -> None:
        assert arrival.request is not None
        match answer:
            case "nothing":
                pass
            case "stream":
                self._answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
                self._answer.enable_chunked_encoding()
                await self._answer.prepare(arrival.request)
                arrival.answer.set_result(self._answer)
            case _:
                if answer == "cut":
                    self._server.repeat_due_at = now()
                arrival.answer.set_result(refusal(answer, arrival.request))
                arrival.done.set()

    async def do_send(self, texts: list[str], *, newline: str = "\n", bytewise: bool = False) -> None:
        assert self._answer is not None
        for text in texts:
            for name in re.findall(r"\$\{(?:json |lines )?([A-Z]\d+)", text):
                channel, seq = split(name)
                self._server.log[channel] = max(self._server.log[channel], seq)
            chunk = self._server.world.expand(text).replace("\n", newline).encode()
            for piece in [bytes([byte]) for byte in chunk] if bytewise else [chunk]:
                with suppress(ConnectionError):  # After a good-bye the client may be gone.
                    await self._answer.write(piece)
                await asyncio.sleep(TICK_S / 10)
        self._last_deed = now()

    async def do_close(self, _: bool) -> None:
        self._leave()
        self._last_deed = now()

    async def do_cut(self, _: bool) -> None:
        assert self._arrival is not None
        assert self._arrival.request is not None
        await asyncio.sleep(TICK_S)  # What was sent arrives before the cut.
        if self._arrival.request.transport is not None:
            self._arrival.request.transport.abort()
        self._leave()
        self._last_deed = now()

    async def do_log(self, reach: dict[str, int]) -> None:
        self._server.log.update(reach)

    async def do_answer(self, planned: dict[str, list[Any]]) -> None:
        for key, answers in planned.items():
            self._server.planned[key].extend(answers)

    async def do_quiet_ms(self, span_ms: float) -> None:
        await asyncio.sleep(span_ms / 1000)
        assert self._server.arrivals.empty(), "the client connected in a time in which it must not"

    async def do_expect(self, expected: Json) -> None:
        deadline = now() + expected.get("within_ms", 10_000) / 1000
        while not self._is_met(expected) and now() < deadline:
            await asyncio.sleep(TICK_S)
        await asyncio.sleep(TICK_S)
        self._judge(expected)
        self._observer.events.clear()
        self._server.asked.clear()
        self._server.snapshots = 0

    def _is_met(self, expected: Json) -> bool:
        return (
            len(self._observer.events) >= len(expected.get("events", []))
            and set(expected.get("includes", [])) <= set(self._observer.events)
            and self._observer.lost >= set(expected.get("lost", []))
            and self._server.snapshots >= expected.get("snapshots", 0)
            and self._observer.ended >= expected.get("ended", False)
        )

    def _judge(self, expected: Json) -> None:
        assert self._is_met(expected), f"expected {expected}, saw {self._observer.events}"
        if "events" in expected:
            assert by_channel(self._observer.events) == by_channel(expected["events"])
        if "lost" in expected:
            assert self._observer.lost == set(expected["lost"])
        if "snapshots" in expected:
            assert self._server.snapshots == expected["snapshots"]
        for key, queries in expected.get("asked", {}).items():
            assert self._server.asked[key] == queries

    def _leave(self) -> None:
        if self._arrival is not None:
            self._arrival.done.set()
        self._arrival = self._answer = None

    async def stop(self) -> None:
        if self._arrival is not None and not self._arrival.answer.done():
            self._arrival.answer.cancel()
        self._leave()


def by_channel(names: list[str]) -> dict[str, list[str]]:
    channels: dict[str, list[str]] = defaultdict(list)
    for name in names:
        channels[name[0]].append(name)
    return dict(channels)


async def play(case: Json) -> None:
    server = ScriptedServer(World(), case)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    signed_in = Tokens(access_token="t1", refresh_token="r", expires_at=time.time() + 86_400)
    try:
        async with Client(f"http://{host}:{port}", tokens=signed_in) as client:
            observer = Observer(client)
            script = Script(server, observer)
            try:
                await script.run(case["steps"])
            finally:
                await observer.stop()
                await script.stop()
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("case", list(cases()))
def test_the_client_conforms(case: Json, monkeypatch: pytest.MonkeyPatch):
    share: float = case.get("jitter", 0.5)

    def drawn(low: float, high: float) -> float:
        return low + (high - low) * share

    monkeypatch.setattr("tertulia_client.backoff.random.uniform", drawn)
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        for module in (stream, connection, tokens):
            monkeypatch.setattr(module, "monotonic", runner.get_loop().time)
        runner.run(play(case))
