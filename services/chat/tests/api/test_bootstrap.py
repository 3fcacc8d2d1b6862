"""Everything a client needs to start, and the position to go on from."""

from datetime import UTC, datetime

from tertulia_shared.bus import ensure_event_stream
from tertulia_shared.cursors import CursorSealer
from tertulia_shared.events import BOT_USER_ID


async def test_bootstrap_paints_my_view_of_the_workspace(chat):
    ann, bob = await chat.people(2)
    workspace = await ann.workspace()
    await ann.invite(workspace, bob)
    await ann.channel(workspace, "not-mine")
    talk = await ann.post(f"/workspaces/{workspace['id']}/dms", {"user_ids": [bob.id]}, 201)
    await ann.say(talk, "hello")
    start = await bob.get(f"/workspaces/{workspace['id']}/bootstrap")
    assert start["me"]["email"] == bob.user["email"]
    assert start["role"] == "member"
    assert start["workspace"]["id"] == workspace["id"]
    assert [item["channel"]["name"] for item in start["channels"]] == ["general", None]
    general, direct = start["channels"]
    assert (general["joined"], general["member_count"], general["read_seq"]) == (True, 2, 2)
    assert direct["channel"]["member_ids"] == sorted([ann.id, bob.id])
    assert direct["channel"]["last_msg_seq"] == direct["channel"]["last_seq"] == 3
    roles = {item["user"]["id"]: (item["user"]["kind"], item["role"]) for item in start["members"]}
    people = {ann.id: ("person", "owner"), bob.id: ("person", "member")}
    assert roles == {**people, BOT_USER_ID: ("bot", "member")}
    assert datetime.fromisoformat(start["server_time"]).tzinfo is not None


async def test_the_cursor_is_where_the_stream_ends_and_opens_for_me_only(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    state = await ensure_event_stream(chat.bus)
    cursor = (await ann.get(f"/workspaces/{workspace['id']}/bootstrap"))["cursor"]
    position = CursorSealer(chat.secrets).open(cursor, ann.id, datetime.now(UTC))
    assert (position.epoch, position.seq) == (state.incarnation[:16], state.last_seq)


async def test_there_is_no_cursor_before_there_is_a_stream(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    assert (await ann.get(f"/workspaces/{workspace['id']}/bootstrap"))["cursor"] is None
