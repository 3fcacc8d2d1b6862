"""Old state and the events of marks make the new state, step by step."""

import uuid

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tertulia_shared.events import decode, decode_envelope

EMOJI = ("👍", "❤️")
# Who does what with which message.
STEPS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["react", "react", "take_back", "pin", "pin", "unpin", "edit", "delete"]),
        st.integers(0, 2),
        st.integers(0, 1),
    ),
    max_size=12,
)


def address(step, emoji):
    return {
        "react": ("PUT", f"/reactions/{EMOJI[emoji]}"),
        "take_back": ("DELETE", f"/reactions/{EMOJI[emoji]}"),
        "pin": ("PUT", "/pin"),
        "unpin": ("DELETE", "/pin"),
        "edit": ("PATCH", ""),
        "delete": ("DELETE", ""),
    }[step]


def apply(messages, event):
    """What a client does with an event."""
    match event["type"]:
        case "reaction.added" | "reaction.removed":
            messages[event["data"]["message_id"]]["reactions"] = event["data"]["reactions"]
        case kind if kind.startswith("message."):
            messages[event["data"]["message"]["id"]] = event["data"]["message"]


class Model:
    """What the three messages are, in the fewest words."""

    def __init__(self, messages):
        self.ids = [message["id"] for message in messages]
        self.reactions = {message_id: {} for message_id in self.ids}
        self.pins = []
        self.gone = set()

    def take(self, person, step, message_id, emoji):
        if message_id in self.gone:
            return
        people = self.reactions[message_id].setdefault(EMOJI[emoji], [])
        match step:
            case "react" if person not in people:
                people.append(person)
            case "take_back" if person in people:
                people.remove(person)
            case "pin" if message_id not in self.pins:
                self.pins.insert(0, message_id)
            case "unpin" if message_id in self.pins:
                self.pins.remove(message_id)
            case "delete":
                self.gone.add(message_id)
                self.reactions[message_id] = {}
                self.pins = [one for one in self.pins if one != message_id]
        if not people:
            self.reactions[message_id].pop(EMOJI[emoji], None)

    def shown(self, message_id):
        return [{"emoji": emoji, "user_ids": people} for emoji, people in self.reactions[message_id].items()]


@given(steps=STEPS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_events_and_lists_follow_every_step(chat, steps):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    path = f"/channels/{workspace['general']['id']}"
    said = [await ann.say(workspace["general"], f"word {number}") for number in range(3)]
    joined, *listed = (await bob.get(f"{path}/messages"))["items"]
    assert (joined["system"]["kind"], listed) == ("joined", said)
    messages, model, seq = {message["id"]: message for message in (joined, *said)}, Model(said), said[-1]["ch_seq"]
    for number, (who, step, which, emoji) in enumerate(steps):
        person = ann if step in ("edit", "delete") else (ann, bob)[who]
        method, rest = address(step, emoji)
        more = {"json": {"text": f"word {number} of {which}"}} if step == "edit" else {}
        answer = await person.ask(method, f"/messages/{model.ids[which]}{rest}", None, **more)
        assert answer.status_code == (409 if model.ids[which] in model.gone and step != "delete" else 200)
        model.take(person.id, step, model.ids[which], emoji)
        for event in (await bob.get(f"{path}/events?after={seq}"))["items"]:
            assert event["ch_seq"] == seq + 1
            seq = event["ch_seq"]
            apply(messages, event)
        fresh = (await bob.get(f"{path}/messages"))["items"]
        assert {message["id"]: message for message in fresh} == messages
        assert [message["reactions"] for message in fresh if message["system"] is None] == [
            model.shown(one) for one in model.ids
        ]
        assert [item["id"] for item in (await bob.get(f"{path}/pins"))["items"]] == model.pins
    replayed = {}
    for event in (await bob.get(f"{path}/events?after=0&limit=200"))["items"]:
        if "message" in event["data"] or event["data"].get("message_id") in replayed:
            apply(replayed, event)
    assert replayed == messages
    here = uuid.UUID(workspace["general"]["id"])
    told = "SELECT text FROM message WHERE channel_id = $1 UNION ALL SELECT body FROM event_log WHERE channel_id = $1"
    words = str(await chat.sql(told, here))
    texts = {message["text"] for message in messages.values()}
    for number, (_, step, which, _) in enumerate(steps):
        assert step != "edit" or (f"word {number} of {which}" in texts) == (f"word {number} of {which}" in words)


async def test_every_event_of_a_mark_decodes_and_repeats_no_text_but_a_pin(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    said = await ann.say(workspace["general"], "only once")
    for method, rest in map(address, ("react", "pin", "take_back", "unpin"), (0, 0, 0, 0)):
        await ann.ask(method, f"/messages/{said['id']}{rest}")
    await ann.ask("PUT", f"/messages/{said['id']}/save", 204)
    rows = await chat.sql("SELECT type, body FROM event_log ORDER BY id DESC LIMIT 7")
    assert all(decode(decode_envelope(row["body"])) is not None for row in rows)
    telling = [row["type"] for row in rows if "only once" in row["body"]]
    assert telling == ["message.unpinned", "message.created"]
