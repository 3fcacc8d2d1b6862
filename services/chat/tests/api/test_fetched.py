"""Bare rows (`tables/fetched.py`) carry every column of their table, and show what the session's objects show."""

import json
import uuid
from datetime import UTC, datetime, time

import msgspec
import pytest

from tertulia_chat.bootstrap import queries
from tertulia_chat.messages import pages
from tertulia_chat.tables import ChannelMemberRow, ChannelRow, MessageRow, UserRow

ONE, TWO = uuid.UUID(int=1), uuid.UUID(int=2)
TIME = datetime(2031, 5, 6, 7, 8, 9, 123000, UTC)
USED = {"model": "small", "prompt_tokens": 30, "completion_tokens": 4, "duration_ms": 900, "stopped": True}
AI = {"run_id": str(ONE), "asker_id": str(TWO), "command": "ask", "prompt": "what is it?", **USED}
NOTE = {"kind": "joined", "user_ids": [str(ONE)], "count": 1}
WHO = {"author_id": str(ONE), "created_at": "2031-05-06T07:08:09.123000Z"}
ORIGIN = {"message_id": str(ONE), "channel_id": str(TWO), "ch_seq": 2, **WHO}

# None of it is what a row begins with.
FULL = {
    MessageRow: {
        **dict.fromkeys(("id", "workspace_id", "channel_id", "author_id", "client_msg_id", "thread_id"), ONE),
        **dict.fromkeys(("created_at", "edited_at", "deleted_at", "last_reply_at", "pinned_at"), TIME),
        **{key: [ONE, TWO] for key in ("mentions", "channels", "messages", "last_repliers")},
        **{"ch_seq": 3, "changed_seq": 4, "reply_count": 5, "last_reply_seq": 6, "pin_seq": 7, "pinned_by": TWO},
        **{"text": "hello", "audience": "channel", "in_channel": True, "links": ["https://example.org"]},
        **{"ai": AI, "forwarded": ORIGIN, "reactions": [{"emoji": "👍", "user_ids": [str(ONE)]}], "system": NOTE},
    },
    ChannelRow: {
        **{"id": ONE, "workspace_id": TWO, "created_by": ONE, "created_at": TIME, "archived_at": TIME},
        **{"kind": "public", "name": "plans", "people_key": "one two", "topic": "topic", "purpose": "purpose"},
        **{"last_seq": 3, "last_msg_seq": 4, "last_left_seq": 5, "member_count": 6, "slow_mode_s": 7},
        **{"posting": "admins", "is_default": True},
    },
    ChannelMemberRow: {
        **{"channel_id": ONE, "user_id": TWO, "workspace_id": ONE, "role": "owner", "joined_at": TIME},
        **{"joined_seq": 3, "read_seq": 4, "level": "all", "muted": True, "section": "mine"},
    },
    UserRow: {
        **{"id": ONE, "username": "ann", "email": "ann@example.org", "display_name": "Ann", "password_hash": "!"},
        **{"preferences": {"theme": "dark"}, "created_at": TIME, "deactivated_at": TIME, "kind": "bot"},
        **{"status_emoji": "🎉", "status_text": "away", "status_until": TIME, "presence": "away", "dnd_until": TIME},
        **{"time_zone": "Asia/Tokyo", "quiet_starts": time(22), "quiet_ends": time(7)},
    },
}
BARE = {
    MessageRow: (pages._MESSAGES, {"changed_seq", "pin_seq"}),
    ChannelRow: (queries._CHANNELS, set()),
    ChannelMemberRow: (queries._SEATS, set()),
    UserRow: (queries._USERS, set(queries._OWN)),
}
KINDS = pytest.mark.parametrize("kind", BARE, ids=lambda kind: kind.__tablename__)


@KINDS
async def test_every_column_is_carried(chat, kind):
    """Of the migrated database; or it is named here, as one that nobody is shown."""
    rows = await chat.sql(
        "SELECT column_name FROM information_schema.columns WHERE table_name = $1 AND table_schema = 'public'",
        kind.__tablename__,
    )
    fetched, left_out = BARE[kind]
    assert {row["column_name"] for row in rows} == {*fetched._names, *left_out} == set(FULL[kind])


@KINDS
async def test_a_bare_row_shows_what_the_object_shows(chat, kind):
    fetched, left_out = BARE[kind]
    stored = json.dumps(msgspec.to_builtins(FULL[kind]))
    source = f"jsonb_populate_record(NULL::{kind.__tablename__}, $1::jsonb)"
    (record,) = await chat.sql(f"SELECT {fetched.columns('t')} FROM {source} AS t", stored)
    bare, whole = fetched.row(record), kind(**FULL[kind])
    for name in set(FULL[kind]) - left_out:
        assert as_text(getattr(bare, name)) == as_text(getattr(whole, name)), name
    show = "view_preferences" if kind is ChannelMemberRow else "view"
    assert getattr(bare, show)() == getattr(whole, show)()


def as_text(value):
    """Ids of bare rows are text already."""
    return msgspec.to_builtins(value)


async def test_bootstrap_shows_what_each_address_shows(house, in_an_hour):
    ann, cat, workspace, here = house.ann, house.cat, house.workspace, house.here
    await house.bob.patch(here, {"topic": "what comes", "slow_mode_s": 30})
    await cat.ask("PUT", "/users/me/status", json={"emoji": "🎉", "text": "away"})
    await ann.ask("PUT", f"{here}/mutes/{cat.id}", json={"until": in_an_hour})
    await ann.ask("PUT", f"{house.there}/mutes/{cat.id}", json={"until": in_an_hour})
    await ann.post(f"{house.there}/members/{house.gil.id}/deactivate")
    start = await cat.get(f"{house.there}/bootstrap")
    for item in start["channels"]:
        told = await cat.get(f"/channels/{item['channel']['id']}")
        assert {key: item[key] for key in told} == told
    assert {item["channel"]["id"]: item["muted_until"] for item in start["channels"]} == {
        house.channel["id"]: in_an_hour,
        workspace["general"]["id"]: None,
    }
    members = (await cat.get(f"{house.there}/members"))["items"]
    assert start["members"] == [{key: one[key] for key in ("user", "role", "muted_until")} for one in members]
    assert {one["user"]["id"]: one["muted_until"] for one in members}[cat.id] == in_an_hour
    (former,) = (await cat.get(f"{house.there}/members?deactivated=true"))["items"]
    assert start["former"] == [{key: former[key] for key in ("user", "deactivated_at")}]
