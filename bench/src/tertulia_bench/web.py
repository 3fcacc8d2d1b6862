"""`web`: the page in Chromium, as it is built for production, on the whole stack.

How soon the first screen can be used and how much script that takes, how soon another channel is there, how soon a key
is on the screen while 100,000 messages are loaded by paging, and whether 10,000 events leave memory behind. Measured in
the page and by the DevTools protocol. The browser, the stack and the load share the machine.

* The first screen can be used when its messages are painted and one can write. Its scripts are all that had come over
  the wire by then, heads of the answers included, without a cache or a worker. Dialogs and other parts follow while
  nothing else is to be done; what has come five seconds later is told beside it, and has no limit.
* Another channel: from the click to the end of the frame that shows its messages.
* A key: from the time that the system gave it to the browser to the end of the frame that shows it, waiting for that
  frame included. Keys come one at a time, at most 20 in a second, which is faster than anybody types: none is held up
  by others that were sent before the page could answer.
"""

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
from playwright.async_api import CDPSession, Page, async_playwright
from playwright.async_api import Error as BrowserError
from rich.console import Console

from tertulia_bench.conversation import Lost
from tertulia_bench.http import Connection, raw_request
from tertulia_bench.loading import HOST, PASSWORD, Account, Loader
from tertulia_bench.vocabulary import Vocabulary
from tertulia_bench.web_line import LATER_S, Measured, Size, line_of
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.parts import PARTS
from tertulia_stack.ports import remembered
from tertulia_stack.servers import PostgresServer

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
WRITERS = 4
WAIT_MS = 60_000
KEY_S = 0.05


QUICK = Size(messages=1_000, events=200, openings=1, switches=4, keys=20)


@dataclass(frozen=True, slots=True)
class House:
    """`general` is the long channel; `rooms` are to be switched between."""

    stack: BackgroundStack
    slug: str
    general: str
    rooms: list[str]
    reader: Account
    writer: Account


async def run(console: Console) -> dict[str, object]:
    """The JSON line. Raises Lost when a message is not in the page."""
    return await measure(Size(), console)


async def run_quickly(console: Console) -> dict[str, object]:
    """As `run`, with a hundredth of the messages: it shows that everything is measured, and nothing of the goals."""
    return await measure(QUICK, console)


async def measure(size: Size, console: Console) -> dict[str, object]:
    with tempfile.TemporaryDirectory(prefix="tertulia-bench-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        stack = BackgroundStack(root / "tertulia", env={"RATE_LIMITS": "off", "ACCESS_TOKEN_TTL_S": "7200"})
        await asyncio.to_thread(stack.start, *(word for part in PARTS for word in ("--without", part)))
        try:
            house = await _furnish(stack, size)
            async with _page() as (page, devtools):
                return line_of(size, await _measure(house, size, page, devtools, console), console)
        except BrowserError as error:
            raise Lost(f"the page: {error.message}") from error
        finally:
            await asyncio.to_thread(stack.stop)


_TALK = """
INSERT INTO message (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at)
SELECT gen_random_uuid(), c.workspace_id, c.id, c.last_seq + n, CASE WHEN n / 4 % 2 = 0 THEN $2::uuid ELSE $3::uuid END,
    gen_random_uuid(), 'Entry ' || n || ' ' || ($5::text[])[1 + n % 500],
    date_trunc('milliseconds', now()) - ($4::int - n) * interval '2 minutes'
FROM channel c CROSS JOIN generate_series(1, $4::int) AS n WHERE c.id = $1
"""


async def _furnish(stack: BackgroundStack, size: Size) -> House:
    """Messages are written straight into PostgreSQL: nobody reads the event log of what was said before they came."""
    async with Loader(stack) as loader:
        reader, writer = await loader.register("reader"), await loader.register("writer")
        workspace = await loader.workspace("Harbour", reader, writer)
        channels = await loader.call("GET", f"/workspaces/{workspace}/channels", None, reader.token)
        general = channels["items"][0]["channel"]["id"]
        rooms = await loader.channels(workspace, reader, 3)
        slug = (await loader.call("GET", f"/workspaces/{workspace}/bootstrap", None, reader.token))["workspace"]["slug"]
    home = Home(stack.data_dir)
    url = PostgresServer(home.postgres, remembered(home.ports_file)["postgres"]).url("tertulia_chat")
    vocabulary = Vocabulary(5_000, seed=1)
    texts = [vocabulary.text() for _ in range(500)]
    connection = await asyncpg.connect(url, timeout=10, command_timeout=300)
    try:
        for channel, messages in ((general, size.messages), *((room, 200) for room in rooms)):
            await connection.execute(_TALK, channel, reader.id, writer.id, messages, texts)
            told = "UPDATE channel SET last_seq = last_seq + $2, last_msg_seq = last_seq + $2 WHERE id = $1"
            await connection.execute(told, channel, messages)
        await connection.execute(
            "UPDATE channel_member m SET read_seq = c.last_seq FROM channel c WHERE c.id = m.channel_id"
        )
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
    return House(stack, slug, general, rooms, reader, writer)


@contextlib.asynccontextmanager
async def _page() -> AsyncGenerator[tuple[Page, CDPSession]]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = await chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        context.set_default_timeout(WAIT_MS)
        page = await context.new_page()
        await page.add_init_script(_WATCH)
        yield page, await context.new_cdp_session(page)
        await chromium.close()


# When the first screen can be used: its messages are painted, and one can write.
_WATCH = """
window.bench = { interactive: 0, keys: [] }
const soon = () => requestAnimationFrame(() => {
    const list = document.querySelector('main ul li[data-key]')
    const field = document.querySelector('main form textarea, main form [contenteditable], main form [role=textbox]')
    if (list === null || field === null) return soon()
    requestAnimationFrame(() => { window.bench.interactive = performance.now() })
})
soon()
"""
_LIST = "document.querySelector('main ul[aria-label=\"Messages\"]')"
# From the click to the frame that shows the other channel's messages.
_SWITCH = """(href) => new Promise((done) => {
    const link = document.querySelector(`nav a[href="${href}"]`)
    const list = document.querySelector('main ul li[data-key]')
    const from = performance.now()
    link.click()
    const look = () => requestAnimationFrame(() => {
        if (list?.isConnected || document.querySelector('main ul li[data-key]') === null) return look()
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => done(performance.now() - from)
        port2.postMessage(null)
    })
    look()
})"""
# To the top again and again, until the first message is there.
_TO_THE_TOP = f"""() => new Promise((done) => {{
    const pull = () => {{
        const list = {_LIST}
        const first = list.querySelector('li[data-key] .prose')?.textContent ?? ''
        if (first.startsWith('Entry 1 ')) return done(true)
        list.closest('.overflow-y-auto').scrollTop = 0
        setTimeout(pull, 4)
    }}
    pull()
}})"""
# From the key, as the system gave it to the browser, to the end of the frame that shows what it wrote.
_KEYS = """() => {
    let from = 0
    document.addEventListener('keydown', (event) => { from = event.timeStamp }, true)
    document.addEventListener('input', () => {
        const pressed = from
        requestAnimationFrame(() => {
            const { port1, port2 } = new MessageChannel()
            port1.onmessage = () => window.bench.keys.push(performance.now() - pressed)
            port2.postMessage(null)
        })
    }, true)
}"""


async def _measure(house: House, size: Size, page: Page, devtools: CDPSession, console: Console) -> Measured:
    base = f"{house.stack.url}/w/{house.slug}/c"
    await page.goto(f"{base}/{house.general}")
    await page.get_by_role("textbox", name="Email or username").fill("reader")
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_text(f"Entry {size.messages} ").wait_for()
    with console.status("Opening the page"):
        interactive, scripts, later = await _open(page, devtools, size.openings)
    with console.status("Going from channel to channel"):
        switches = await _switch(page, [f"/w/{house.slug}/c/{room}" for room in house.rooms], size.switches)
    await page.goto(f"{base}/{house.general}")
    await page.get_by_text(f"Entry {size.messages} ").wait_for()
    with console.status(f"Paging through {size.messages:,} messages"):
        began = perf_counter()
        await asyncio.wait_for(page.evaluate(_TO_THE_TOP), 240)
        loading_s = perf_counter() - began
    rows = await page.evaluate(f"{_LIST}.querySelectorAll('li').length")
    loaded_mb = await _memory(devtools)
    with console.status("Typing"):
        keys = await _type(page, size.keys)
    await page.get_by_role("button", name="Jump to latest").click()
    await page.get_by_text(f"Entry {size.messages} ").wait_for()
    with console.status(f"{size.events:,} messages come in"):
        tenth = size.events // 10
        await _post(house, page, 1, tenth)
        early_mb = await _memory(devtools)
        await _post(house, page, tenth + 1, size.events)
        late_mb = await _memory(devtools)
    script, count = max(scripts)
    return Measured(interactive, script, count, later, switches, loading_s, keys, rows, loaded_mb, early_mb, late_mb)


async def _open(page: Page, devtools: CDPSession, times: int) -> tuple[list[float], list[tuple[float, int]], float]:
    """Without anything of an earlier visit but the session.

    With what came over the wire of scripts, in KB, and how many these were; and how much it was some seconds later.
    """
    await devtools.send("Network.enable")
    await devtools.send("Network.setBypassServiceWorker", {"bypass": True})
    await devtools.send("Network.setCacheDisabled", {"cacheDisabled": True})
    scripts: dict[str, float] = {}
    kinds: dict[str, str] = {}

    def on_response(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]

    def on_finished(event: dict[str, Any]) -> None:
        scripts[event["requestId"]] = event["encodedDataLength"]

    devtools.on("Network.responseReceived", on_response)
    devtools.on("Network.loadingFinished", on_finished)
    found: list[float] = []
    weights: list[tuple[float, int]] = []

    def weigh() -> tuple[float, int]:
        came = [size for key, size in scripts.items() if kinds.get(key) == "Script"]
        return sum(came) / 1_000, len(came)

    for _ in range(times):
        scripts.clear()
        kinds.clear()
        await page.reload(wait_until="commit")
        await page.wait_for_function("() => window.bench?.interactive > 0")
        found.append(await page.evaluate("window.bench.interactive"))
        weights.append(weigh())
        await page.wait_for_load_state("load")
    await asyncio.sleep(LATER_S)
    later, _ = weigh()
    await devtools.send("Network.setCacheDisabled", {"cacheDisabled": False})
    await devtools.send("Network.setBypassServiceWorker", {"bypass": False})
    return found, weights, later - weights[-1][0]


async def _switch(page: Page, places: Sequence[str], times: int) -> list[float]:
    """Each has been open before, so that nothing is asked of the server."""
    for place in places:
        await page.evaluate(_SWITCH, place)
    return [await page.evaluate(_SWITCH, places[number % len(places)]) for number in range(times)]


async def _type(page: Page, keys: int) -> list[float]:
    await page.get_by_role("form", name="Write a message").get_by_role("textbox").click()
    await page.evaluate(_KEYS)
    for number in range(keys):
        await page.keyboard.press("Space" if number % 6 == 5 else "abcde"[number % 6])
        await asyncio.sleep(KEY_S)
    await page.wait_for_function("(keys) => window.bench.keys.length >= keys", arg=keys)
    return await page.evaluate("window.bench.keys")


async def _memory(devtools: CDPSession) -> float:
    """What the page's script holds, in MB, after it was cleaned up."""
    for _ in range(2):
        await devtools.send("HeapProfiler.collectGarbage")
    await devtools.send("Performance.enable")
    answer = await devtools.send("Performance.getMetrics")
    return {one["name"]: one["value"] for one in answer["metrics"]}["JSHeapUsedSize"] / 1_000_000


async def _post(house: House, page: Page, first: int, last: int) -> None:
    """Messages of somebody else into the open channel; all of them are there afterwards."""
    numbers = iter(range(first, last))

    async def write() -> None:
        connection = await Connection.open(HOST, house.stack.port)
        for number in numbers:
            await _say(house, connection, f"Event {number} is told")
        connection.close()

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    connection = await Connection.open(HOST, house.stack.port)
    await _say(house, connection, f"Event {last} is the last")
    connection.close()
    await page.get_by_text(f"Event {last} is the last").wait_for()


async def _say(house: House, connection: Connection, text: str) -> None:
    body: dict[str, Any] = {"text": text, "client_msg_id": str(uuid.uuid4())}
    path = f"/api/v1/channels/{house.general}/messages"
    request = raw_request("POST", path, f"{HOST}:{house.stack.port}", body, house.writer.token)
    answer = await connection.request(request)
    if connection.status != 201:
        raise Lost(f"a message was answered by {connection.status}: {answer[:300]!r}")


def failed(error: Lost) -> dict[str, object]:
    """The JSON line of a run that lost something."""
    return {"bench": "web", "ours": None, "peer": None, "ratio": None, "goal": 1.0, "ok": False, "lost": str(error)}
