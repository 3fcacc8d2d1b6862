"""One message is one trace, from the click in the page to the sockets, the index, the reports and the bot's answer."""

import asyncio
import secrets

import aiohttp
from playwright.async_api import expect

from tertulia_client import Client
from tertulia_stack.background import BackgroundStack

from ..e2e.page import DESKTOP, Person, browser
from ..e2e.people import founded, listening, people
from .receiver import Receiver, Trace

EVERYBODY = {"gateway", "chat", "relay", "notify", "search", "analytics", "bot"}
POST_MESSAGE = "POST /api/v1/channels/{channel}/messages"
CHAT_MESSAGE = "POST /api/v1/channels/{channel_id}/messages"
CREATED = "message.created"
ANSWER_S = 150.0
"""The local model is small, and the machine that runs the tests may be busy."""


async def arrived(store: Receiver, trace_id: str, *services: str, timeout_s: float = 60.0) -> Trace:
    """The trace once all these services have told of it."""
    return await asyncio.to_thread(store.wait, trace_id, lambda found: set(services) <= found.services, timeout_s)


async def post(stack: BackgroundStack, client: Client, channel: str, text: str) -> tuple[str, str]:
    """As the page does it: with a traceparent of one's own. The trace's id and that of the page's span."""
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    assert client.tokens is not None
    headers = {"Authorization": f"Bearer {client.tokens.access_token}", "traceparent": f"00-{trace_id}-{span_id}-01"}
    body = {"client_msg_id": f"{secrets.token_hex(4)}-0000-4000-8000-{secrets.token_hex(6)}", "text": text}
    url = f"{stack.url}/api/v1/channels/{channel}/messages"
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
    return trace_id, span_id


def check_path(trace: Trace, page_span: str) -> None:
    """Each hop lies under the one it came from."""
    entered = trace.one("gateway", POST_MESSAGE)
    assert entered.parent_id == page_span, str(trace)
    served = trace.one("chat", CHAT_MESSAGE)
    assert served.parent_id == entered.span_id
    assert (entered.attributes["http.response.status_code"], served.attributes["http.response.status_code"]) == (
        201,
        201,
    )
    published = [each for each in trace.all("relay", f"publish {CREATED}") if each.parent_id == served.span_id]
    assert len(published) == 1, str(trace)
    below = {(each.service, each.name): each for each in trace.under(published[0])}
    delivered = below["tertulia-notify", f"deliver {CREATED}"]
    assert delivered.attributes["tertulia.sockets"] >= 1
    assert below["tertulia-bot", f"bot {CREATED}"].end_ns
    for consumer in ("search", "analytics"):
        span = below[f"tertulia-{consumer}", f"{consumer} {CREATED}"]
        assert span.links, f"{consumer} does not tell which batch had the message"
        assert span.links[0] != trace.spans[0].trace_id
    assert not [each for each in trace.spans if each.failed], str(trace)


async def test_a_message_is_one_trace_through_every_service(traced: BackgroundStack, store: Receiver):
    async with people(traced, "Ada", "Ben") as (ada, ben):
        _, general = await founded(ada, ben)
        async with listening(ben) as (hearing,):
            trace_id, span_id = await post(traced, ada, general, "The ferry leaves at nine")
            await hearing.until_texts(general, "The ferry leaves at nine")
            trace = await arrived(store, trace_id, *EVERYBODY)
    assert trace.services == EVERYBODY, str(trace)
    check_path(trace, span_id)


async def test_what_was_not_sampled_is_kept_nowhere(traced: BackgroundStack, store: Receiver):
    async with people(traced, "Ada") as (ada,):
        _, general = await founded(ada)
        trace_id = secrets.token_hex(16)
        assert ada.tokens is not None
        headers = {
            "Authorization": f"Bearer {ada.tokens.access_token}",
            "traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-00",
        }
        body = {"client_msg_id": f"{secrets.token_hex(4)}-0000-4000-8000-{secrets.token_hex(6)}", "text": "quiet"}
        url = f"{traced.url}/api/v1/channels/{general}/messages"
        async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=headers) as answer:
            assert answer.status == 201
        later, _ = await post(traced, ada, general, "loud")
        await arrived(store, later, *EVERYBODY - {"notify"})
    assert not store.trace(trace_id).spans


def answered(trace: Trace) -> bool:
    """The question and the answer were published and delivered, the run has ended, and everybody has told of it."""
    twice = [trace.all("relay", f"publish {CREATED}"), trace.all("notify", f"deliver {CREATED}")]
    once = [trace.all("bot", "bot run"), trace.all("chat", "POST /internal/v1/runs/{run_id}/finish")]
    return all(len(each) == 2 for each in twice) and all(once) and trace.services >= EVERYBODY


async def test_a_question_to_the_bot_and_its_answer_are_one_trace(traced: BackgroundStack, store: Receiver):
    async with people(traced, "Ada") as (ada,):
        _, general = await founded(ada)
        async with listening(ada) as (hearing,):
            trace_id, span_id = await post(traced, ada, general, "@bot say hello")
            await hearing.until(lambda me: any(m.ai is not None for m in me.messages(general)), ANSWER_S)
            trace = await asyncio.to_thread(store.wait, trace_id, answered)
    check_path(trace, span_id)
    ran = trace.one("bot", "bot run")
    assert trace.all("bot", f"bot {CREATED}")[0] in trace.ancestors(ran), str(trace)
    assert ran in trace.ancestors(trace.one("bot", "bot provider"))
    finished = trace.one("chat", "POST /internal/v1/runs/{run_id}/finish")
    assert ran in trace.ancestors(finished)
    answers = [each for each in trace.all("relay", f"publish {CREATED}") if finished in trace.ancestors(each)]
    assert len(answers) == 1, str(trace)
    assert {each.service for each in trace.under(answers[0])} >= {"tertulia-notify"}


async def test_the_page_tells_its_part_of_the_trace(traced: BackgroundStack, store: Receiver):
    async with browser() as chromium:
        ada = await Person.at(chromium, "Ada Lovelace", DESKTOP)
        await ada.page.goto(traced.url)
        await ada.page.get_by_role("link", name="Create account").click()
        await ada.register()
        await ada.found_workspace(f"Engine {secrets.token_hex(3)}")
        await ada.write("Seen from click to socket")
        await ada.reads("Seen from click to socket")
        await expect(ada.page.get_by_text("Seen from click to socket")).to_be_visible()

        def clicked() -> list[str]:
            return [each.trace_id for each in list(store.spans) if each.service == "tertulia-web"]

        async with asyncio.timeout(60):
            while not clicked():
                await asyncio.sleep(0.2)
        trace = await arrived(store, clicked()[0], "web", *EVERYBODY)
        assert ada.complaints == []
    assert trace.services == EVERYBODY | {"web"}, str(trace)
    page = trace.one("web", "send message")
    assert page.parent_id == ""
    check_path(trace, page.span_id)
