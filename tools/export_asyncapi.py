"""Write the description of everything that is said by events, or with --check fail when it is out of date.

    python tools/export_asyncapi.py [--check]

AsyncAPI 3: the server-sent events that clients receive, and the bus between the services.
"""

import json
import sys
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec

from tertulia_notify.delivery.connection import ByeReason
from tertulia_notify.delivery.resume import ResetReason
from tertulia_notify.presence.states import PersonState
from tertulia_notify.presence.words import Alive, Asked, Changed, Whole
from tertulia_shared.bus.redelivery import LetterWish, RangeWish, WishAnswer
from tertulia_shared.events import FACTS, INTERNAL_TYPES, Envelope, Fact, RunDelta, RunStep
from tertulia_shared.events import subjects as bus

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "asyncapi.json"

Document = dict[str, Any]


class Hello(msgspec.Struct, kw_only=True):
    """First frame of a stream. With `resumed` false the client fetches a snapshot and goes on from there. `connection`
    names the stream for as long as it lives, in `/api/v1/presence/…`."""

    resumed: bool
    cursor: str
    server: str
    connection: str
    rotate_s: int


class Reset(msgspec.Struct, kw_only=True):
    """The position could not be found again: fetch a snapshot; the stream goes on live from `cursor`."""

    reason: ResetReason
    cursor: str


class Bye(msgspec.Struct, kw_only=True):
    """Last frame of a stream: come back after `retry_ms` with the last event id."""

    reason: ByeReason
    retry_ms: int


class Typing(msgspec.Struct, kw_only=True):
    """Somebody writes in a channel; forget it after `expires_in_ms`. Never replayed, so it has no id."""

    type: Literal["typing"]
    workspace_id: str
    channel_id: str
    user_id: str
    expires_in_ms: int


class Presence(msgspec.Struct, kw_only=True):
    """The present state of these people, of those whom the stream watches. Never replayed, so it has no id."""

    type: Literal["presence"]
    people: list[PersonState]


FRAMES: dict[str, type[msgspec.Struct]] = {
    "hello": Hello,
    "reset": Reset,
    "bye": Bye,
    "typing": Typing,
    "presence": Presence,
    "run.delta": RunDelta,
    "run.step": RunStep,
}
PRESENCE_WORDS = (Changed, Alive, Whole, Asked)
OPERATORS_WORDS = (LetterWish, RangeWish, WishAnswer)
HEADERS: dict[str, str] = {
    bus.H_MSG_ID: "The event's id: JetStream drops a second copy within its window.",
    bus.H_TYPE: "The event's type.",
    bus.H_VERSION: "The version of the type's contract.",
    bus.H_CH_SEQ: "The channel's gap-free sequence number, on changes of a channel.",
    bus.H_LOG_ID: "The row of the event log.",
    bus.H_LOW: "The relay's watermark when it published.",
    bus.H_TIME: "Time of the event, unix milliseconds.",
    bus.H_TRACEPARENT: "W3C trace context of the request that caused it.",
}


def export() -> str:
    facts = [FACTS[key] for key in sorted(FACTS)]
    _, shapes = msgspec.json.schema_components(
        [*facts, *FRAMES.values(), *PRESENCE_WORDS, *OPERATORS_WORDS], ref_template="#/components/schemas/{name}"
    )
    messages = {_name(fact): _fact_message(fact) for fact in facts}
    told = {name.title(): _frame_message(name, frame) for name, frame in FRAMES.items()}
    public = [_name(fact) for fact in facts if fact.type not in INTERNAL_TYPES]
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tertulia events",
            "version": "1",
            "description": "What clients receive on the stream, and what the services say to each other over NATS.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": _channels([*public, *told], list(messages)),
        "operations": _operations(),
        "components": {
            "messages": {
                **messages,
                **told,
                **_presence_messages(),
                **_operators_messages(),
                "Heartbeat": _heartbeat(),
            },
            "schemas": dict(sorted(shapes.items())),
            "messageTraits": {"bus": {"headers": _bus_headers()}},
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _name(fact: type[Fact]) -> str:
    return fact.__name__ if fact.version == 1 else f"{fact.__name__}V{fact.version}"


def _envelope(fact: type[Fact]) -> Document:
    """The envelope with its `type` and `data` made definite."""
    (_,), shapes = msgspec.json.schema_components([Envelope])
    schema: Document = shapes["Envelope"]
    properties = {
        **schema["properties"],
        "type": {"const": fact.type},
        "v": {"const": fact.version},
        "data": {"$ref": f"#/components/schemas/{fact.__name__}"},
    }
    return {**schema, "title": fact.type, "properties": properties}


def _fact_message(fact: type[Fact]) -> Document:
    internal = fact.type in INTERNAL_TYPES
    summary = (fact.__doc__ or "").strip() if fact.__doc__ and not fact.__doc__.startswith(fact.__name__) else ""
    note = "Between services only. " if internal else ""
    return {
        "name": fact.type,
        "title": f"{fact.type} v{fact.version}",
        "summary": (note + summary).strip() or f"{fact.type}.",
        "traits": [{"$ref": "#/components/messageTraits/bus"}],
        "payload": _envelope(fact),
    }


def _frame_message(name: str, frame: type[msgspec.Struct]) -> Document:
    return {
        "name": name,
        "title": name,
        "summary": (frame.__doc__ or "").strip(),
        "payload": {"$ref": f"#/components/schemas/{frame.__name__}"},
    }


def _heartbeat() -> Document:
    return {
        "name": "heartbeat",
        "title": "heartbeat",
        "summary": "An `id:` line without data every 15 to 20 s: nothing is dispatched, the position moves.",
        "payload": {"type": "null"},
    }


def _presence_messages() -> Document:
    return {
        f"Presence{word.__name__}": _frame_message(f"presence.{word.__name__.lower()}", word) for word in PRESENCE_WORDS
    }


def _operators_messages() -> Document:
    return {word.__name__: _frame_message(word.__name__, word) for word in OPERATORS_WORDS}


def _bus_headers() -> Document:
    return {
        "type": "object",
        "properties": {name: {"type": "string", "description": text} for name, text in HEADERS.items()},
    }


def _channels(told: list[str], messages: list[str]) -> Document:
    address = "evt.{shard}.{workspace}.{scope}.{id}"
    parameters = {
        "shard": {"description": f"Ordering lane, 00 to {bus.SHARDS - 1}: crc32 of the key modulo {bus.SHARDS}."},
        "workspace": {"description": f"Workspace id, or `{bus.NO_WORKSPACE}`."},
        "scope": {"description": "Audience.", "enum": list(get_args(bus.Scope))},
        "id": {"description": "Id of the channel, workspace or user that the scope names."},
    }
    typing = {"workspace": {"description": "Workspace id."}, "channel": {"description": "Channel id."}}
    return {
        "stream": {
            "address": "/api/v1/stream",
            "title": "Server-sent events",
            "description": (
                "`: ok`, `retry:`, then `hello`. A durable event is `id: <position>`, `event: <type>`, "
                "`data: <envelope>`; its id goes into `Last-Event-ID` to resume. `typing`, `presence`, `reset`, "
                "`hello` and `bye` have no id."
            ),
            "messages": _references([*told, "Heartbeat"]),
        },
        "events": {
            "address": address,
            "title": "JetStream stream EVT",
            "description": "Facts, published only by the relay from the event log.",
            "parameters": parameters,
            "messages": _references(messages),
        },
        "liveEvents": {
            "address": f"live.{address}",
            "title": "The stream's own republication on core NATS",
            "parameters": parameters,
            "messages": _references(messages),
        },
        "liveTyping": {
            "address": "live.sync.typing.{workspace}.{channel}",
            "title": "Typing notices on core NATS",
            "parameters": typing,
            "messages": _references(["Typing"]),
        },
        "livePresence": {
            "address": "live.sync.presence.{process}",
            "title": "Who is connected to which process of notify, on core NATS",
            "parameters": {"process": {"description": "Id of the process, new at each start."}},
            "messages": _references(list(_presence_messages())),
        },
        "redeliver": {
            "address": "ops.redeliver.{consumer}",
            "title": "What an operator wants handled again, as a request on core NATS",
            "parameters": {"consumer": {"description": "Name of the consumer: search, bot, analytics, notifications."}},
            "messages": _references(list(_operators_messages())),
        },
    }


def _references(names: list[str]) -> Document:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _operations() -> Document:
    told = (
        ("receiveStream", "receive", "stream", "A client follows what happens in its channels and workspaces."),
        ("publishEvents", "send", "events", "The relay publishes committed facts in order."),
        ("consumeEvents", "receive", "events", "Durable consumers project facts."),
        ("followLiveEvents", "receive", "liveEvents", "notify fans events out to connections."),
        ("sharePresence", "send", "livePresence", "notify tells its other replicas who is connected."),
        ("redeliver", "receive", "redeliver", "The process of a consumer handles letters and ranges again."),
        ("shareTyping", "send", "liveTyping", "notify tells its other replicas who is typing."),
    )
    return {
        name: {"action": action, "channel": {"$ref": f"#/channels/{channel}"}, "summary": summary}
        for name, action, channel, summary in told
    }


def main(arguments: list[str]) -> int:
    text = export()
    if TARGET.exists() and TARGET.read_text("utf-8") == text:
        return 0
    if "--check" in arguments:
        print(f"{TARGET.relative_to(ROOT)} is out of date: run `make contracts`.")
        return 1
    TARGET.write_text(text, "utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
