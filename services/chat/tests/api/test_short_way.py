"""Sending without the framework: what is said is the same, and whatever is unusual the framework answers."""

import json
import uuid

import pytest
import pytest_asyncio

from tertulia_chat.app import MAX_BODY_BYTES
from tertulia_chat.messages.short_way import ROUTE, ShortWay

JSON = {"content-type": "application/json"}


class Tried:
    """A request, and how it was answered each way."""

    def __init__(self, person, channel_id):
        self.path = f"/api/v1/channels/{channel_id}/messages"
        self.headers = {**JSON, "authorization": f"Bearer {person.access_token}"}

    def scope(self, headers, path=None):
        return {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": path or self.path,
            "raw_path": (path or self.path).encode(),
            "root_path": "",
            "query_string": b"",
            "client": ("127.0.0.1", 1),
            "server": ("chat", 80),
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }

    async def ask(self, app, messages, headers=None, path=None):
        """Status, content type and body."""
        waiting, sent = iter(messages), []

        async def receive():
            return next(waiting, {"type": "http.disconnect"})

        async def send(message):
            sent.append(message)

        scope = self.scope({**self.headers, **(headers or {})}, path)
        await app(scope, receive, send)
        if not sent:
            return None
        kind = dict(sent[0]["headers"]).get(b"content-type")
        return sent[0]["status"], kind, b"".join(message.get("body", b"") for message in sent[1:])

    async def post(self, app, body, headers=None, path=None):
        length = {"content-length": str(len(body))} if "transfer-encoding" not in (headers or {}) else {}
        whole = {"type": "http.request", "body": body, "more_body": False}
        return await self.ask(app, [whole], {**length, **(headers or {})}, path)


class Framework:
    """Stands where the framework does and notes that it was asked."""

    def __init__(self, app):
        self.app, self.asked = app, 0

    async def __call__(self, scope, receive, send):
        self.asked += 1
        await self.app(scope, receive, send)


@pytest.fixture
def ways(chat):
    """The short way, with what it leads to when it leads on."""
    long_way = Framework(chat.app.app.app)
    return ShortWay(long_way, lambda: chat.parts.sender, MAX_BODY_BYTES), long_way


@pytest_asyncio.fixture(loop_scope="session")
async def room(chat):
    (ann,) = await chat.people(1)
    general = (await ann.workspace())["general"]
    return ann, general, Tried(ann, general["id"])


def body(text="so it goes", **more):
    return json.dumps({"text": text, "client_msg_id": str(uuid.uuid4()), **more}).encode()


def without_chance(answer):
    """An answer without what differs between two requests."""
    if answer is None or not answer[2]:
        return answer
    document = json.loads(answer[2])
    document.pop("request_id", None)
    for name in ("id", "ch_seq", "created_at", "client_msg_id"):
        document.get("message", {}).pop(name, None)
    return answer[0], answer[1].partition(b";")[0], document


async def test_a_message_is_sent_without_the_framework(ways, room):
    short, framework = ways
    ann, general, tried = room
    status, kind, answer = await tried.post(short, wish := body("hello"))
    assert (status, kind, framework.asked) == (201, b"application/json", 0)
    assert json.loads(answer)["message"]["text"] == "hello"
    again = await tried.post(short, wish)
    assert (again[0], framework.asked) == (200, 0)
    assert [message["text"] for message in await ann.written(general)] == ["hello"]


async def test_a_reply_that_names_somebody_is_sent_without_the_framework(ways, room):
    short, framework = ways
    ann, general, tried = room
    root = await ann.say(general, "what do you think?")
    status, _, answer = await tried.post(short, body(f"<@{ann.id}> yes", thread_id=root["id"]))
    message = json.loads(answer)["message"]
    assert (status, framework.asked, message["thread_id"], message["mentions"]) == (201, 0, root["id"], [ann.id])


async def test_a_body_in_pieces_is_one(ways, room):
    short, framework = ways
    *_, tried = room
    whole = body("in pieces")
    pieces = [{"type": "http.request", "body": whole[at : at + 7], "more_body": True} for at in range(0, len(whole), 7)]
    answer = await tried.ask(
        short, [*pieces, {"type": "http.request", "body": b""}], {"content-length": str(len(whole))}
    )
    assert (answer[0], framework.asked) == (201, 0)


async def test_nothing_is_sent_when_the_client_leaves_in_the_middle(ways, room):
    short, _ = ways
    ann, general, tried = room
    whole = body("never said")
    await tried.ask(short, [{"type": "http.request", "body": whole, "more_body": True}], {"content-length": "999"})
    assert await ann.written(general) == []


OTHERWISE = {
    "no JSON": (b"{", {}),
    "nothing": (b"", {}),
    "another kind of thing": (b'["text"]', {}),
    "no text": (body(""), {}),
    "too much text": (body("x" * 16_001), {}),
    "what cannot be stored": (body("a\0b"), {}),
    "half a character": (b'{"text":"\\ud800","client_msg_id":"01990000-0000-7000-8000-000000000000"}', {}),
    "something unknown": (body(colour="red"), {}),
    "shown in the channel, and no reply": (body(also_in_channel=True), {}),
    "a thread that there is not": (body(thread_id=str(uuid.uuid4())), {}),
    "too large": (b" " * (MAX_BODY_BYTES + 1), {}),
    "nobody asks": (body(), {"authorization": ""}),
    "a stranger's word": (body(), {"authorization": "Bearer of.bad.news"}),
    "another kind": (body(), {"content-type": "text/plain"}),
    "its kind with more words": (body(), {"content-type": "application/json; charset=utf-8"}),
    "of unknown length": (body(), {"transfer-encoding": "chunked"}),
}


UNUSUAL = {"nothing", "too large", "another kind", "its kind with more words", "of unknown length"}


@pytest.mark.parametrize("what", OTHERWISE)
async def test_both_ways_say_the_same(ways, room, what):
    short, framework = ways
    *_, tried = room
    sent, headers = OTHERWISE[what]
    answer = await tried.post(short, sent, headers)
    assert framework.asked == (what in UNUSUAL)
    assert without_chance(answer) == without_chance(await tried.post(framework, _as_new(sent), headers))


async def test_what_fails_without_a_word_for_it_goes_the_long_way(ways, chat, room):
    _, framework = ways
    ann, general, tried = room

    class Stumbling:
        async def send(self, *_):
            raise ZeroDivisionError

    stumbling = ShortWay(framework, Stumbling, MAX_BODY_BYTES)
    assert (await tried.post(stumbling, body("all the same")))[0] == 201
    assert framework.asked == 1
    assert [message["text"] for message in await ann.written(general)] == ["all the same"]


def _as_new(sent):
    """With another `client_msg_id`: the first one may have been sent."""
    try:
        document = json.loads(sent)
    except ValueError:
        return sent
    fresh = isinstance(document, dict) and "client_msg_id" in document and "\\ud" not in sent.decode()
    return json.dumps({**document, "client_msg_id": str(uuid.uuid4())}).encode() if fresh else sent


@pytest.mark.parametrize("channel", ["00000000-0000-4000-8000-000000000000", "not-an-id-but-as-long-as-one-is-here"])
async def test_an_address_that_leads_nowhere_is_refused(ways, room, channel):
    short, _ = ways
    *_, tried = room
    status, kind, _ = await tried.post(short, body(), path=f"/api/v1/channels/{channel}/messages")
    assert (status, kind.partition(b";")[0]) == (404, b"application/problem+json")


async def test_who_is_no_member_is_refused_without_the_framework(ways, chat, room):
    short, framework = ways
    ann, general, _ = room
    bob = await chat.person()
    status, _, answer = await Tried(bob, general["id"]).post(short, body("let me in"))
    assert (status, json.loads(answer)["code"], framework.asked) == (404, "not_found", 0)
    assert await ann.written(general) == []


async def test_metrics_name_the_address_as_the_framework_does(chat, ways, room):
    short, framework = ways
    *_, tried = room
    scopes = []

    def remembering(app):
        async def remember(scope, receive, send):
            scopes.append(scope)
            await app(scope, receive, send)

        return remember

    await tried.post(remembering(short), body())
    await tried.post(remembering(framework), body())
    assert [scopes[0]["route"], scopes[1]["path_template"]] == [ROUTE, ROUTE]
