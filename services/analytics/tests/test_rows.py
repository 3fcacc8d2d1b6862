"""From an event's bytes to a row: each type, what breaks its contract, and that no text gets through."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils import uuid7

from tertulia_analytics.sink import rows
from tertulia_analytics.sink.rows import CHANNEL_COLUMNS, COLUMNS, NOBODY, PASSED_OVER, Unreadable
from tertulia_shared import events
from tertulia_shared.events import BOT_USER_ID

NOW = datetime(2026, 11, 18, 12, 0, 0, 123_000, tzinfo=UTC)
MS = 1_795_003_200_123
WORKSPACE, CHANNEL, ADA, BEN = (str(uuid7()) for _ in range(4))


def encoded(fact: events.Fact, channel: str | None = CHANNEL, actor: str | None = ADA, ch_seq: int | None = 7) -> bytes:
    envelope = events.envelope_of(
        fact,
        event_id=str(uuid7()),
        time=NOW,
        workspace_id=WORKSPACE,
        channel_id=channel,
        ch_seq=ch_seq,
        actor_id=actor,
    )
    return events.encode(envelope)


def named(body: bytes) -> dict[str, object]:
    row = rows.read(body).row
    return {column.name: value for column, value in zip(COLUMNS, row, strict=True)}


def message(text: str = "hello", **more: object) -> events.Message:
    values = {
        "id": str(uuid7()),
        "workspace_id": WORKSPACE,
        "channel_id": CHANNEL,
        "ch_seq": 7,
        "author_id": ADA,
        "text": text,
        "client_msg_id": str(uuid7()),
        "created_at": NOW,
    }
    return events.Message(**values | more)


def run(state: str, **more: object) -> events.Run:
    values = {
        "id": str(uuid7()),
        "workspace_id": WORKSPACE,
        "channel_id": CHANNEL,
        "asker_id": ADA,
        "command": "ask",
        "prompt": "what?",
        "state": state,
        "created_at": NOW,
        "model": "small",
    }
    return events.Run(**values | more)


def notification(message_id: str) -> events.Notification:
    return events.Notification(
        id=str(uuid7()),
        channel_id=CHANNEL,
        message_id=message_id,
        ch_seq=7,
        thread_id=None,
        reason=events.NotificationReason.MENTION,
        created_at=NOW,
    )


def channel(**more: object) -> events.Channel:
    values = {
        "id": CHANNEL,
        "workspace_id": WORKSPACE,
        "kind": events.ChannelKind.PRIVATE,
        "name": "tea",
        "topic": "",
        "created_by": ADA,
        "created_at": NOW,
    }
    return events.Channel(**values | more)


def test_a_message():
    sent = message("grüße", thread_id=str(uuid7()), mentions=[BEN])
    row = named(encoded(events.MessageCreated(message=sent)))
    assert row["time"] == row["at"] == MS
    assert (row["type"], row["workspace_id"], row["channel_id"]) == ("message.created", WORKSPACE, CHANNEL)
    assert (row["person_id"], row["subject_id"]) == (ADA, sent.id)
    assert (row["length"], row["reply"], row["ai"], row["mentions"]) == (5, True, False, 1)


def test_an_imported_message_happened_when_it_was_written():
    written = NOW - timedelta(days=3)
    row = named(encoded(events.MessageCreated(message=message(created_at=written))))
    assert (row["time"], row["at"]) == (MS, MS - 3 * 86_400_000)
    odd = message(created_at=datetime(1900, 1, 1, tzinfo=UTC))
    assert named(encoded(events.MessageCreated(message=odd)))["at"] == MS


def test_a_message_of_the_bot():
    assert named(encoded(events.MessageCreated(message=message(author_id=BOT_USER_ID))))["ai"]


@pytest.mark.parametrize("kind", [events.MessageCreated, events.MessageUpdated, events.MessageDeleted])
def test_what_a_channel_says_by_itself_is_no_message_of_anybody(kind: type[events.MessageUpdated]):
    note = events.SystemNote(kind=events.SystemKind.RENAMED, before="tea", after="secret tea")
    body = encoded(kind(message=message("renamed", system=note)))
    assert (named(body)["type"], named(body)["state"]) == (kind.type, rows.SYSTEM)
    assert "secret tea" not in repr(rows.read(body))


@pytest.mark.parametrize("kind", [events.MessageUpdated, events.MessageDeleted])
def test_a_change_of_a_message_is_by_who_changed_it(kind: type[events.MessageUpdated]):
    row = named(encoded(kind(message=message("", author_id=BEN))))
    assert (row["type"], row["person_id"], row["length"]) == (kind.type, ADA, 0)


def test_a_run():
    finished = run("done", finished_at=NOW + timedelta(seconds=2.5), prompt_tokens=30, completion_tokens=4)
    row = named(encoded(events.RunFinished(run=finished), actor=BOT_USER_ID))
    assert (row["person_id"], row["subject_id"]) == (ADA, finished.id)
    assert (row["state"], row["command"], row["model"]) == ("done", "ask", "small")
    assert (row["prompt_tokens"], row["completion_tokens"], row["duration_ms"]) == (30, 4, 2500)
    assert named(encoded(events.RunStarted(run=run("running"))))["duration_ms"] == 0


def test_a_channel_is_a_row_of_the_dimension_too():
    for fact in (
        events.ChannelCreated(channel=channel()),
        events.ChannelUpdated(channel=channel()),
        events.ChannelArchived(channel=channel(archived_at=NOW)),
        events.MemberJoined(channel=channel(), user=user(), role=events.Role.MEMBER),
    ):
        dimension = rows.read(encoded(fact)).channel
        assert dimension is not None
        assert len(dimension) == len(CHANNEL_COLUMNS)
        archived = isinstance(fact, events.ChannelArchived)
        assert dimension == (CHANNEL, WORKSPACE, "private", "tea", archived, 7)
    unnamed = events.ChannelCreated(channel=channel(kind=events.ChannelKind.DM, name=None))
    read = rows.read(encoded(unnamed, ch_seq=None))
    assert read.channel == (CHANNEL, WORKSPACE, "dm", "", False, 0)


def user() -> events.User:
    return events.User(id=BEN, username="ben", display_name="Ben", created_at=NOW)


def test_people_come_and_go():
    left, removed = events.LeaveReason.LEFT, events.LeaveReason.REMOVED
    for fact in (
        events.MemberLeft(user_id=BEN, reason=left),
        events.WorkspaceMemberJoined(user=user(), role=events.Role.MEMBER),
        events.WorkspaceMemberLeft(user_id=BEN, reason=removed),
        events.UserUpdated(user=user()),
        events.PresenceUpdated(user_id=BEN, presence=events.PresenceSettings()),
        events.SessionRevoked(session_id=str(uuid7()), user_id=BEN, reason=events.RevokeReason.LOGOUT),
    ):
        row = named(encoded(fact, channel=None, ch_seq=None))
        assert (row["type"], row["subject_id"], row["channel_id"]) == (fact.type, BEN, NOBODY)
    assert named(encoded(events.MemberLeft(user_id=BEN, reason=left), actor=None))["person_id"] == NOBODY


def notice(message_id: str | None) -> events.Notice:
    return events.Notice(
        id=str(uuid7()),
        workspace_id=WORKSPACE,
        channel_id=CHANNEL,
        kind=events.NoticeKind.KICKED,
        reason="",
        created_at=NOW,
        message_id=message_id,
    )


def report(message_id: str) -> events.MessageReport:
    return events.MessageReport(
        id=str(uuid7()),
        workspace_id=WORKSPACE,
        channel_id=CHANNEL,
        message_id=message_id,
        author_id=BEN,
        reporter_id=ADA,
        category=events.ReportCategory.SPAM,
        state=events.ReportState.OPEN,
        created_at=NOW,
    )


def test_marks_and_wishes_are_about_their_message_or_channel():
    marked, pinned = str(uuid7()), message()
    reminder = events.Reminder(
        id=str(uuid7()),
        workspace_id=pinned.workspace_id,
        channel_id=CHANNEL,
        message_id=pinned.id,
        remind_at=pinned.created_at,
        state=events.ReminderState.DUE,
        created_at=pinned.created_at,
    )
    for fact, subject in (
        (events.ReactionAdded(message_id=marked, user_id=ADA, emoji="👍", reactions=[]), marked),
        (events.ReactionRemoved(message_id=marked, user_id=ADA, emoji="👍", reactions=[]), marked),
        (events.SavedUpdated(channel_id=CHANNEL, message_id=marked, saved=True), marked),
        (events.MessagePinned(message=pinned), pinned.id),
        (events.MessageUnpinned(message=pinned), pinned.id),
        (events.ReadUpdated(channel_id=CHANNEL, thread_id=None, read_seq=3, unread=0, mentions=0), CHANNEL),
        (events.ThreadFollowed(channel_id=CHANNEL, thread_id=marked, following=True), CHANNEL),
        (events.DraftUpdated(channel_id=CHANNEL, thread_id=None, draft=None), CHANNEL),
        (events.PreferencesUpdated(channel_id=CHANNEL, preferences=events.ChannelPreferences()), CHANNEL),
        (events.BanUpdated(channel_id=CHANNEL, user_id=BEN, banned=True, at=NOW), BEN),
        (events.NoticeCreated(notice=notice(marked)), marked),
        (events.NoticeCreated(notice=notice(None)), NOBODY),
        (events.ReportCreated(report=report(marked)), marked),
        (events.ReportUpdated(report=report(marked)), marked),
        (events.ChannelDeleted(channel_id=marked), marked),
        (events.ScheduledUpdated(scheduled_id=marked, scheduled=None), marked),
        (events.ReminderUpdated(reminder_id=marked, reminder=None), marked),
        (events.ReminderDue(reminder=reminder, subject=events.ReminderSubject.THERE), reminder.id),
        (events.NotificationCreated(notification=notification(marked)), marked),
        (events.NotificationWithdrawn(notification=notification(marked)), marked),
        (events.NotificationsRead(read_id=marked), ADA),
        (events.KeywordsUpdated(keywords=["tide"]), ADA),
        (events.MemberUpdated(user_id=BEN, role=events.Role.OWNER), BEN),
        (events.WorkspaceMemberUpdated(user_id=BEN, role=events.Role.ADMIN), BEN),
    ):
        row = named(encoded(fact))
        assert (row["type"], row["person_id"], row["subject_id"]) == (fact.type, ADA, subject)


def test_a_deleted_channel_loses_its_name():
    gone = encoded(events.ChannelDeleted(channel_id=CHANNEL), ch_seq=12)
    assert rows.read(gone).channel == (CHANNEL, WORKSPACE, "private", "", True, 12)
    with pytest.raises(Unreadable):
        rows.read(encoded(events.ChannelDeleted(channel_id="general")))


def test_every_type_of_the_product_makes_a_row():
    golden = Path(__file__).parents[3] / "libs" / "shared" / "tests" / "golden"
    read = set()
    for file in sorted(golden.glob("*.json")):
        if msgspec.json.decode(file.read_bytes(), type=events.Envelope).type in PASSED_OVER:
            continue
        read.add(named(msgspec.json.format(file.read_bytes(), indent=0))["type"])
    assert {type_ for type_, _ in events.FACTS} - PASSED_OVER <= read


def test_an_unknown_type_or_version_is_counted_by_its_type():
    body = json.loads(encoded(events.MessageCreated(message=message())))
    for change in ({"type": "poll.closed"}, {"v": 99}, {"data": {"anything": 1}, "type": "x"}):
        row = named(json.dumps(body | change).encode())
        assert row["type"] == (body | change)["type"]
        assert (row["person_id"], row["length"], row["subject_id"]) == (ADA, 0, NOBODY)


def test_what_breaks_its_contract_is_unreadable():
    good = json.loads(encoded(events.MessageCreated(message=message())))
    run_ = json.loads(encoded(events.RunFinished(run=run("done", prompt_tokens=1))))
    made = json.loads(encoded(events.ChannelCreated(channel=channel())))
    bad: list[bytes] = [
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b"{}",
        *(
            json.dumps(each).encode()
            for each in (
                good | {"id": "not an id"},
                good | {"id": good["id"].upper()},
                good | {"workspace_id": "w"},
                good | {"channel_id": "'); DROP TABLE event --"},
                good | {"time": "yesterday"},
                good | {"time": "1970-01-01T00:00:00Z"},
                good | {"time": "2300-01-01T00:00:00Z"},
                good | {"time": "2026-01-01T00:00:00"},
                good | {"data": {"message": 1}},
                good | {"data": {"message": good["data"]["message"] | {"author_id": "a"}}},
                run_ | {"data": {"run": run_["data"]["run"] | {"prompt_tokens": -1}}},
                run_ | {"data": {"run": run_["data"]["run"] | {"completion_tokens": 2**40}}},
                made | {"data": {"channel": made["data"]["channel"] | {"id": "c"}}},
                made | {"ch_seq": -1},
            )
        ),
    ]
    rows.read(json.dumps(good).encode())
    for body in bad:
        with pytest.raises(Unreadable):
            rows.read(body)


@settings(deadline=None)
@given(st.text(min_size=8).filter(lambda text: text.strip()))
def test_no_text_gets_through(text: str):
    marked = f"☂{text}☂".encode("utf-8", "ignore").decode()
    for fact in (
        events.MessageCreated(message=message(marked)),
        events.MessageUpdated(message=message(marked)),
        events.RunFinished(run=run("done", prompt=marked, text=marked)),
    ):
        row = rows.read(encoded(fact)).row
        assert "☂" not in repr(row)
