"""The five reports over HTTP: exact numbers, no gaps, both formats, and only for whom they are."""

import asyncio
import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from uuid_utils import uuid7

from tertulia_shared import events
from tertulia_shared.events import BOT_USER_ID

REPORTS = ["overview", "messages", "active-users", "channels", "ai"]
DAYS = {"from": "2026-11-16", "to": "2026-11-20"}
"""Monday to Thursday; the world's clock stands at Wednesday noon."""


def cells(report: dict[str, Any]) -> list[list[Any]]:
    """The rows without their times."""
    return [row[1:] for row in report["rows"]]


async def a_week(world: Any) -> dict[str, str]:
    """Something of everything, told once and, as it happens, twice."""
    ada, ben, root = world.person("member"), world.person("member"), world.person("owner")
    secret, tea = str(uuid7()), world.channel
    world.chat.channel(secret, world.workspace, "private", "secret")
    world.chat.member(secret, world.workspace, ben)
    sent = [
        world.event(events.ChannelCreated(channel=world.view_of_channel(tea, "tea")), channel=tea, actor=root),
        world.event(
            events.ChannelCreated(channel=world.view_of_channel(secret, "secret", "private")), channel=secret, actor=ben
        ),
        world.event(events.ChannelUpdated(channel=world.view_of_channel(tea, "Tea room")), channel=tea, actor=root),
    ]
    world.now -= timedelta(days=7)
    sent += [world.message(ben)]
    world.now += timedelta(days=6)
    sent += [world.message(ada), world.message(ada), world.message(ben, channel=secret)]
    world.now += timedelta(days=1)
    view = world.view(ada)
    sent += [
        world.event(events.MessageCreated(message=view), channel=tea, actor=ada),
        world.event(events.MessageUpdated(message=view), channel=tea, actor=ada),
        world.event(events.MessageDeleted(message=view), channel=tea, actor=root),
        world.message(ben, channel=secret),
        world.answer(),
    ]
    # What a channel says by itself counts nowhere and makes nobody active.
    note = world.view(world.person("member"), system=events.SystemNote(kind=events.SystemKind.JOINED, count=1))
    for kind in (events.MessageCreated, events.MessageUpdated, events.MessageDeleted):
        sent.append(world.event(kind(message=note), channel=tea, actor=note.author_id))
    for state, seconds, tokens in (("done", 2, 10), ("done", 4, 20), ("done", 9, 30), ("failed", 1, 5)):
        run = world.run_of(ada)
        finished = world.run_of(
            ada,
            state,
            id=run.id,
            finished_at=world.now + timedelta(seconds=seconds),
            prompt_tokens=tokens,
            completion_tokens=1,
        )
        sent.append(world.event(events.RunStarted(run=run), channel=tea, actor=BOT_USER_ID))
        sent.append(world.event(events.RunFinished(run=finished), channel=tea, actor=BOT_USER_ID))
    sent.append(world.event(events.RunStarted(run=world.run_of(ben)), channel=tea, actor=BOT_USER_ID))
    sent.append(world.event(events.RunFinished(run=world.run_of(ben, "stopped")), channel=tea, actor=BOT_USER_ID))
    other = str(uuid7())
    for _ in range(3):
        elsewhere = world.view(ada, channel=str(uuid7()), workspace_id=other)
        fact = events.MessageCreated(message=elsewhere)
        sent.append(world.event(fact, channel=elsewhere.channel_id, workspace=other))
    await world.publish(*sent)
    await world.publish(
        *(outgoing._replace(headers={**outgoing.headers, "Nats-Msg-Id": str(uuid7())}) for outgoing in sent)
    )
    return {"ada": ada, "ben": ben, "secret": secret, "tea": tea}


async def test_the_numbers(world):
    people = await a_week(world)
    async with world.analytics() as analytics:
        await analytics.counted()
        token = world.token(people["ada"])

        async def ask(name: str, **params: str) -> dict[str, Any]:
            return await analytics.report(world.workspace, name, token, **{**DAYS, **params})

        overview = await ask("overview")
        assert [column["name"] for column in overview["columns"]] == ["time", "messages", "active_users", "runs"]
        assert overview["rows"][0][0] == "2026-11-16T00:00:00Z"
        assert cells(overview) == [[0, 0, 0], [3, 2, 0], [2, 3, 5], [0, 0, 0]]
        assert overview["totals"] == {"messages": 5, "active_users": 3, "runs": 5}
        assert overview["previous"] == {"messages": 0, "active_users": 0, "runs": 0}
        assert (overview["from"], overview["to"]) == ("2026-11-16T00:00:00Z", "2026-11-20T00:00:00Z")
        assert overview["lag_s"] == 0

        messages = await ask("messages")
        assert cells(messages) == [[0, 0, 0, 0], [3, 0, 0, 0], [2, 1, 1, 1], [0, 0, 0, 0]]

        active = await ask("active-users")
        assert cells(active) == [[0], [2], [3], [0]]

        ai = await ask("ai")
        names = ["runs", "done", "stopped", "failed", "prompt_tokens", "completion_tokens", "median_ms"]
        assert [column["name"] for column in ai["columns"]] == ["time", *names]
        assert cells(ai)[2] == [5, 3, 1, 1, 65, 4, 4000]
        assert cells(ai)[0] == [0] * 7

        weeks = await ask("messages", bucket="week")
        assert weeks["rows"] == [["2026-11-16T00:00:00Z", 5, 1, 1, 1]]
        assert weeks["previous"]["messages"] == 1
        hours = await ask("overview", bucket="hour")
        assert len(hours["rows"]) == 96
        assert sum(row[1] for row in hours["rows"]) == 5


async def test_active_people_of_a_day_a_week_a_month(world):
    people = await a_week(world)
    async with world.analytics() as analytics:
        await analytics.counted()
        report = await analytics.report(
            world.workspace, "active-users", world.token(people["ada"]), **DAYS | {"to": "2026-11-18"}
        )
        assert report["totals"] == {"active_users": 2, "dau": 2, "wau": 2, "mau": 2}
        assert report["previous"] == {"active_users": 0, "dau": 0, "wau": 1, "mau": 1}


async def test_channels_are_named_only_to_those_who_may_read_them(world):
    people = await a_week(world)
    tea, secret = people["tea"], people["secret"]
    async with world.analytics() as analytics:
        await analytics.counted()
        path = f"/api/v1/workspaces/{world.workspace}/analytics/channels"
        for format_ in ("json", "csv"):
            _, body, _ = await analytics.get(path, world.token(people["ada"]), **DAYS, format=format_)
            assert secret not in str(body)
            assert "secret" not in str(body)
        outsider = await analytics.report(world.workspace, "channels", world.token(people["ada"]), **DAYS)
        insider = await analytics.report(world.workspace, "channels", world.token(people["ben"]), **DAYS)
    noon = "2026-11-18T12:00:00Z"
    assert outsider["rows"] == [
        [tea, "Tea room", "public", 3, 3, noon],
        [None, "Other channels", None, 2, 1, None],
    ]
    assert insider["rows"] == [
        [tea, "Tea room", "public", 3, 3, noon],
        [secret, "secret", "private", 2, 1, noon],
    ]
    assert outsider["totals"] == {"messages": 5, "channels": 1}
    assert insider["totals"] == {"messages": 5, "channels": 2}


async def test_a_channel_has_its_latest_name(world):
    """Also when an old one is told again afterwards."""
    ada = world.person()
    old = world.event(events.ChannelCreated(channel=world.view_of_channel(world.channel, "old")), channel=world.channel)
    new = world.event(events.ChannelUpdated(channel=world.view_of_channel(world.channel, "new")), channel=world.channel)
    await world.publish(new, world.message(ada))
    async with world.analytics() as analytics:
        await analytics.counted()
        await world.publish(old)
        await analytics.counted()
        report = await analytics.report(world.workspace, "channels", world.token(ada), **DAYS)
        assert report["rows"][0][1] == "new"


async def test_a_report_as_a_file(world):
    people = await a_week(world)
    async with world.analytics() as analytics:
        await analytics.counted()
        for name in REPORTS:
            path = f"/api/v1/workspaces/{world.workspace}/analytics/{name}"
            report = await analytics.report(world.workspace, name, world.token(people["ben"]), **DAYS)
            status, text, answer = await analytics.get(path, world.token(people["ben"]), **DAYS, format="csv")
            assert status == 200
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
            file = f"{name}-2026-11-16-2026-11-20.csv"
            assert answer.headers["Content-Disposition"] == f'attachment; filename="{file}"'
            assert answer.headers["Cache-Control"] == "no-store"
            lines = list(csv.reader(io.StringIO(text, newline="")))
            assert lines[0] == [column["name"] for column in report["columns"]]
            assert lines[1:] == [["" if cell is None else str(cell) for cell in row] for row in report["rows"]]


async def test_an_empty_workspace_has_empty_reports(world):
    ada = world.person()
    async with world.analytics() as analytics:
        for name in REPORTS:
            report = await analytics.report(world.workspace, name, world.token(ada))
            assert report["bucket"] == "day"
            if name == "channels":
                assert report["rows"] == []
            else:
                assert len(report["rows"]) == 28
                assert not any(any(row) for row in cells(report))
            assert not any(report["totals"].values())


@pytest.mark.parametrize("name", REPORTS)
async def test_only_members_see_reports(world, name: str):
    guest, stranger = world.person("guest", world.channel), str(uuid7())
    other = str(uuid7())
    member_elsewhere = str(uuid7())
    world.chat.workspace_member(other, member_elsewhere)
    async with world.analytics() as analytics:
        path = f"/api/v1/workspaces/{world.workspace}/analytics/{name}"

        async def ask(token: str, path: str = path) -> tuple[int, str]:
            status, body, _ = await analytics.get(path, token)
            return status, body["code"]

        assert await ask("") == (401, "unauthenticated")
        assert await ask("nonsense") == (401, "unauthenticated")
        assert await ask(world.token(guest)) == (403, "guests_see_no_reports")
        assert await ask(world.token(stranger)) == (404, "not_found")
        assert await ask(world.token(member_elsewhere)) == (404, "not_found")
        assert await ask(world.token(guest), path.replace(world.workspace, "not-an-id")) == (404, "not_found")


async def test_who_was_let_in_a_moment_ago_is_waited_for(world):
    guest, newcomer = world.person("guest", world.channel), str(uuid7())
    user = events.User(id=newcomer, username="new", display_name="New", created_at=world.now)
    async with world.analytics() as analytics:
        for person, fact in (
            (newcomer, events.WorkspaceMemberJoined(user=user, role=events.Role.MEMBER)),
            (guest, events.WorkspaceMemberUpdated(user_id=guest, role=events.Role.MEMBER)),
        ):
            asked = asyncio.ensure_future(analytics.report(world.workspace, "overview", world.token(person)))
            await asyncio.sleep(0.1)
            assert not asked.done()
            await world.publish(world.event(fact))
            assert (await asked)["report"] == "overview"


async def test_who_was_removed_sees_no_more(world):
    ada = world.person()
    async with world.analytics() as analytics:
        await analytics.report(world.workspace, "overview", world.token(ada))
        reason = events.LeaveReason.REMOVED
        await world.publish(world.event(events.WorkspaceMemberLeft(user_id=ada, reason=reason)))
        await analytics.counted()
        status, _, _ = await analytics.get(f"/api/v1/workspaces/{world.workspace}/analytics/overview", world.token(ada))
        assert status == 404


async def test_wrong_questions_are_refused(world):
    ada = world.person()
    async with world.analytics() as analytics:
        base = f"/api/v1/workspaces/{world.workspace}/analytics/"
        for name, params, expected in (
            ("overview", {"from": "x"}, (422, "invalid_time")),
            ("overview", {"from": "2026-01-02", "to": "2026-01-01"}, (422, "empty_range")),
            ("overview", {"from": "2010-01-01", "to": "2026-01-01"}, (422, "range_too_long")),
            ("overview", {"from": "2025-01-01", "to": "2026-01-01", "bucket": "hour"}, (422, "too_many_buckets")),
            ("overview", {"bucket": "minute"}, (422, "validation_failed")),
            ("overview", {"format": "xml"}, (422, "validation_failed")),
            ("overview", {"from": "1" * 41}, (422, "validation_failed")),
            ("salaries", {}, (404, "not_found")),
        ):
            status, body, _ = await analytics.get(base + name, world.token(ada), **params)
            assert (status, body["code"]) == expected, (params, body)
