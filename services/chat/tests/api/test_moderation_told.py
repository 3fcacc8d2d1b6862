"""Who knew a workspace and heard every event of moderation since knows it as it is; and what the lists cost."""

import json
import random
import uuid

import pytest
import sqlalchemy as sa

from tertulia_shared.events import decode, decode_envelope


class Listener:
    """What a client keeps: who is where as what and until when they are muted, how slow channels are, and what is for
    this person alone."""

    def __init__(self, person, channel, state):
        self.id, self.channel = person.id, channel["id"]
        self.state = state

    def hears(self, scope, target, event):
        inside = self.id in self.state["here"]
        joins = event["type"] == "member.joined" and event["data"]["user"]["id"] == self.id
        return {"ch": inside or joins, "ws": True, "user": target == self.id}[scope]

    def apply(self, event):
        data, here = event["data"], event["channel_id"] == self.channel
        match event["type"]:
            case "member.joined" | "member.updated" if here:
                self.state["here"][_who(data)] = (data["role"], data["muted_until"])
            case "member.left" if here:
                self.state["here"].pop(data["user_id"])
            case "workspace.member_joined" | "workspace.member_updated":
                self.state["there"][_who(data)] = (data["role"], data["muted_until"])
            case "workspace.member_left":
                self.state["there"].pop(data["user_id"])
            case "channel.updated" if here:
                self.state["slow"] = data["channel"]["slow_mode_s"]
            case "report.created" | "report.updated":
                self.state["reports"][data["report"]["id"]] = data["report"]
            case "notice.created":
                self.state["notices"].insert(0, data["notice"])


def _who(data):
    return data["user_id"] if "user_id" in data else data["user"]["id"]


async def fresh(person, house):
    """As somebody who is in the channel, and reviews reports, sees it."""
    here = (await person.get(f"{house.here}/members?limit=200"))["items"]
    there = (await person.get(f"{house.there}/members?limit=200"))["items"]
    reports = [
        item["report"]
        for state in ("open", "resolved")
        for item in (await person.get(f"{house.there}/reports", params={"state": state, "limit": 200}))["items"]
    ]
    return {
        "here": {item["user"]["id"]: (item["role"], item["muted_until"]) for item in here},
        "there": {item["user"]["id"]: (item["role"], item["muted_until"]) for item in there},
        "slow": (await person.get(house.here))["channel"]["slow_mode_s"],
        "reports": {report["id"]: report for report in reports},
        "notices": await house.notices(person),
    }


UNTIL = ("2099-01-01T00:00:00Z", "2099-01-02T00:00:00Z")


async def lay_or_lift(dice, house, actor, other):
    place, kind = dice.choice([house.here, house.there]), dice.choice(["mutes", "mutes", "bans"])
    terms = {"reason": str(dice.random()), **({"until": dice.choice(UNTIL)} if kind == "mutes" else {})}
    await actor.ask(*(dice.choice(["PUT", "DELETE"]), f"{place}/{kind}/{other.id}", None), json=terms)


async def kick(_, house, actor, other):
    await actor.post(f"{house.here}/members/{other.id}/kick", {}, None)


async def come_back(_, house, actor, other):
    code = (await house.ann.post(f"{house.there}/invites", {}, 201))["code"]
    await other.post(f"/invites/{code}/accept", None, None)
    await house.ann.post(f"{house.here}/members", {"user_id": other.id}, None)


async def change_role(dice, house, actor, other):
    path = f"{dice.choice([house.here, house.there])}/members/{house.gil.id}"
    await house.ann.patch(path, {"role": dice.choice(["guest", "member", "owner"])}, None)


async def set_pace(dice, house, actor, other):
    await actor.patch(house.here, {"slow_mode_s": dice.choice([0, 5, 60])}, None)


async def report(dice, house, actor, other):
    message = (await house.ann.say(house.channel, "words"))["id"]
    filed = await actor.post(f"/messages/{message}/report", {"category": "spam"}, None)
    if filed.status_code == 201 and dice.random() < 0.5:
        path = f"/reports/{filed.json()['report']['id']}/resolve"
        await house.mod.post(path, {"outcome": "dismissed"})


async def delete_what_they_say(dice, house, actor, other):
    message = await actor.say(house.channel, "word", expect=None)
    if message.status_code == 201:
        path = f"/messages/{message.json()['message']['id']}"
        await house.mod.ask("DELETE", path, params={"reason": str(dice.random())})


DEEDS = (lay_or_lift, lay_or_lift, kick, come_back, change_role, set_pace, report, delete_what_they_say)


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_known_and_what_was_told_is_what_there_is(chat, house, told, seed):
    dice = random.Random(seed)
    # Both stay in the channel whatever happens: nobody here is above them.
    watchers = house.ann, house.mod
    before = [Listener(person, house.channel, await fresh(person, house)) for person in watchers]
    reached = (await chat.sql("SELECT max(id) AS id FROM event_log"))[0]["id"]
    people = [house.mod, house.bob, house.cat, house.gil]
    for _ in range(60):
        await dice.choice(DEEDS)(dice, house, dice.choice([house.mod, *people]), dice.choice(people))
    for row in await chat.sql("SELECT subject, body FROM event_log WHERE id > $1 ORDER BY id", reached):
        assert decode(decode_envelope(row["body"])) is not None
        _, _, _, scope, target = row["subject"].split(".")
        event = json.loads(row["body"])
        for one in before:
            if one.hears(scope, target, event):
                one.apply(event)
    for one, person in zip(before, watchers, strict=True):
        assert one.state == await fresh(person, house)
    for person in (house.bob, house.cat, house.gil):
        heard = [fact["notice"] for fact in await told(person, "notice.created")]
        assert heard[::-1] == await house.notices(person)


@pytest.fixture
def statements(chat):
    """The statements that SQLAlchemy sent."""
    sent = []
    engine = chat.parts.database._engine.sync_engine
    sa.event.listen(engine, "before_cursor_execute", lambda *more: sent.append(more[2]))
    return sent


@pytest.mark.parametrize(("which", "cost"), [("bans", 2), ("mutes", 2), ("reports", 2), ("notices", 1)])
async def test_a_list_costs_the_same_however_long_it_is(house, chat, statements, which, cost):
    path = "/users/me/notices" if which == "notices" else f"{house.there}/{which}"
    reader = house.cat if which == "notices" else house.mod
    counts = []
    for number in range(6):
        if which in ("bans", "mutes"):
            person = await chat.person()
            await house.ann.invite(house.workspace, person)
            terms = {"until": "2099-01-01T00:00:00Z"}
            await house.mod.ask("PUT", f"{house.there}/{which}/{person.id}", json=terms)
        else:
            said = await house.cat.say(house.channel, "word")
            await house.bob.post(f"/messages/{said['id']}/report", {"category": "spam"}, 201)
            await house.mod.delete(f"/messages/{said['id']}", 200)
        statements.clear()
        assert len((await reader.get(path))["items"]) == number + 1
        counts.append(len(statements))
    assert counts == [cost] * 6


async def test_sending_in_a_slow_channel_is_one_statement(house, chat, statements):
    """And it is the one on the connection without a session."""
    await house.mod.patch(house.here, {"slow_mode_s": 60})
    statements.clear()
    await house.cat.say(house.channel, "one")
    await house.cat.say(house.channel, "two", expect=429)
    assert statements == []


async def test_the_lists_use_their_indexes(chat, house):
    """On plenty of rows, for a prepared statement."""
    here = uuid.UUID(house.workspace["id"])
    await chat.sql(
        "INSERT INTO report (id, workspace_id, channel_id, message_id, author_id, reporter_id, category, state, "
        "created_at) SELECT gen_random_uuid(), CASE WHEN n % 2 = 0 THEN $1 ELSE gen_random_uuid() END, $1, "
        "gen_random_uuid(), $1, $1, 'spam', 'open', now() FROM generate_series(1, 20000) AS n",
        here,
    )
    await chat.sql(
        "INSERT INTO sanction (place_id, kind, user_id, workspace_id, reason, laid_by, laid_at) SELECT "
        "gen_random_uuid(), 'ban', gen_random_uuid(), $1, '', $1, now() FROM generate_series(1, 20000)",
        here,
    )
    await chat.sql("ANALYZE report, sanction")
    for statement, index in (
        ("SELECT * FROM report WHERE workspace_id = $1 AND state = 'open' ORDER BY id LIMIT 50", "report_queue_idx"),
        ("SELECT * FROM sanction WHERE place_id = $1 AND kind = 'ban' ORDER BY user_id LIMIT 50", "sanction_pkey"),
    ):
        plan = await chat.sql(f"EXPLAIN {statement}", here)
        assert index in str(plan)
