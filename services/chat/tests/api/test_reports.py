"""Reports: who files them, who reads them, and what of a message they show."""

import asyncio
import json

import pytest_asyncio


@pytest_asyncio.fixture(loop_scope="session")
async def said(house):
    return await house.cat.say(house.channel, "you fool")


async def file(person, message, expect=201, **more):
    answer = await person.post(f"/messages/{message['id']}/report", {"category": "harassment", **more}, expect)
    return answer["report"] if expect in (200, 201) else answer["code"]


async def queue(person, house, state="open"):
    return (await person.get(f"{house.there}/reports", params={"state": state}))["items"]


async def test_from_filing_to_deciding(house, said, told):
    report = await file(house.bob, said, note="He does it daily.")
    assert (report["author_id"], report["reporter_id"], report["state"]) == (house.cat.id, house.bob.id, "open")
    for reviewer in (house.mod, house.ann):
        assert await queue(reviewer, house) == [{"report": report, "text": "you fool", "note": "He does it daily."}]
        assert await told(reviewer, "report.created") == [{"report": report}]
    path = f"/reports/{report['id']}/resolve"
    decided = (await house.mod.post(path, {"outcome": "message_deleted", "reason": "Plain."}))["report"]
    assert (decided["state"], decided["outcome"], decided["resolved_by"]) == (
        "resolved",
        "message_deleted",
        house.mod.id,
    )
    assert await queue(house.ann, house) == []
    assert await queue(house.ann, house, "resolved") == [{"report": decided, "text": None, "note": None}]
    assert await told(house.ann, "report.updated") == [{"report": decided}]
    entry = (await house.audit())[-1]
    assert (entry["action"], entry["target_id"], entry["reason"]) == ("report.resolved", report["id"], "Plain.")


async def test_nobody_else_hears_of_it_and_no_event_tells_a_word(house, said, chat):
    report = await file(house.bob, said, note="secret")
    await house.mod.post(f"/reports/{report['id']}/resolve", {"outcome": "dismissed"})
    rows = await chat.sql("SELECT subject, body FROM event_log WHERE type LIKE 'report.%'")
    assert {row["subject"].split(".")[3] for row in rows} == {"user"}
    assert {row["subject"].split(".")[4] for row in rows} == {house.ann.id, house.mod.id}
    words = str([row["body"] for row in rows]) + str(await house.audit())
    assert "secret" not in words
    assert "fool" not in words
    for person in (house.cat, house.bob, house.gil):
        await person.get(f"{house.there}/reports", 403)
        await person.post(f"/reports/{report['id']}/resolve", {"outcome": "dismissed"}, 403)
    stranger = await chat.person()
    await stranger.get(f"{house.there}/reports", 404)
    await stranger.post(f"/reports/{report['id']}/resolve", {"outcome": "dismissed"}, 404)


async def test_one_open_report_of_each_person(house, said):
    first = await file(house.bob, said)
    assert await file(house.bob, said, 200, note="again") == first
    await file(house.gil, said)
    assert len(await queue(house.mod, house)) == 2
    await house.mod.post(f"/reports/{first['id']}/resolve", {"outcome": "dismissed"})
    assert (await file(house.bob, said))["id"] != first["id"]


async def test_many_at_once_are_one(house, said):
    answers = await asyncio.gather(
        *(house.bob.post(f"/messages/{said['id']}/report", {"category": "spam"}, None) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 201]
    assert len(await queue(house.mod, house)) == 1


async def test_it_shows_what_was_said_then_until_it_is_decided(house, said):
    report = await file(house.bob, said)
    await house.cat.patch(f"/messages/{said['id']}", {"text": "dear friend"})
    await house.cat.delete(f"/messages/{said['id']}", 200)
    assert (await queue(house.mod, house))[0]["text"] == "you fool"
    await house.mod.post(f"/reports/{report['id']}/resolve", {"outcome": "person_muted"})
    assert "fool" not in str(await house.chat.sql("SELECT * FROM report"))
    assert await file(house.bob, said, 409) == "message_deleted"


async def test_a_reviewer_sees_the_message_of_a_conversation_and_nothing_else_of_it(house):
    direct = await house.cat.post(f"{house.there}/dms", {"user_ids": [house.bob.id]}, 201)
    private = await house.cat.channel(house.workspace, "ours", "private")
    await house.cat.post(f"/channels/{private['id']}/members", {"user_id": house.bob.id}, 201)
    for channel in (direct, private):
        said = await house.cat.say(channel, "pay me")
        await house.cat.say(channel, "something else")
        await file(house.bob, said)
        (mine,) = [item for item in await queue(house.mod, house) if item["report"]["channel_id"] == channel["id"]]
        assert mine["text"] == "pay me"
        assert "ours" not in str(mine)
        await house.mod.get(f"/channels/{channel['id']}/messages", 404)
        await house.mod.get(f"/messages/{said['id']}", 404)
        await house.mod.get(f"/messages/{said['id']}/history", 404)


async def test_who_may_not_read_it_does_not_report_it(house):
    private = await house.bob.channel(house.workspace, "ours", "private")
    said = await house.bob.say(private, "quiet")
    for person in (house.cat, house.mod):
        assert await file(person, said, 404) == "not_found"


async def test_nobody_reviews_what_is_said_of_them(house, told):
    said = await house.mod.say(house.channel, "I may")
    report = await file(house.cat, said)
    assert await queue(house.mod, house) == []
    assert await told(house.mod, "report.created") == []
    await house.mod.post(f"/reports/{report['id']}/resolve", {"outcome": "dismissed"}, 404)
    assert [item["report"]["id"] for item in await queue(house.ann, house)] == [report["id"]]


async def test_one_decision(house, said):
    report = await file(house.bob, said)
    path = f"/reports/{report['id']}/resolve"
    answers = await asyncio.gather(
        *(
            person.post(path, {"outcome": outcome}, None)
            for person, outcome in ((house.mod, "dismissed"), (house.ann, "person_banned"))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (done,) = [answer.json()["report"] for answer in answers if answer.status_code == 200]
    for person in (house.mod, house.ann):
        assert (await person.post(path, {"outcome": done["outcome"]}))["report"] == done
    assert [entry["action"] for entry in await house.audit()].count("report.resolved") == 1


async def test_a_permission_that_is_given_to_others(house, said, told):
    await house.chat.sql("""UPDATE workspace SET permissions = '{"review_reports": "admin"}'""")
    await file(house.bob, said)
    await house.mod.get(f"{house.there}/reports", 403)
    assert await told(house.mod, "report.created") == []
    assert len(await told(house.ann, "report.created")) == 1


async def test_pages(house):
    reports = []
    for number in range(5):
        reports.append((await file(house.bob, await house.cat.say(house.channel, f"word {number}")))["id"])
    for state in ("open", "resolved"):
        seen, cursor = [], None
        while True:
            more = {"cursor": cursor} if cursor else {}
            page = await house.mod.get(f"{house.there}/reports", params={"state": state, "limit": 2, **more})
            seen += [item["report"]["id"] for item in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == (reports if state == "open" else reports[::-1])
        for report in reports:
            await house.mod.post(f"/reports/{report}/resolve", {"outcome": "dismissed"})


async def test_what_is_not_a_report(house, said):
    for wrong in ({"category": "boring"}, {"note": "x" * 1001}, {"note": "\x00"}, {"category": None}):
        assert await file(house.bob, said, 422, **wrong) == "validation_failed"
    report = await file(house.bob, said)
    answer = await house.mod.post(f"/reports/{report['id']}/resolve", {"outcome": "forgotten"}, 422)
    assert answer["code"] == "validation_failed"


async def test_a_refusal_is_in_the_audit_log(house, said):
    report = await file(house.bob, said)
    await house.cat.post(f"/reports/{report['id']}/resolve", {"outcome": "dismissed"}, 403)
    (entry,) = [entry for entry in await house.audit(outcome="denied") if entry["action"] == "report.resolved"]
    assert (entry["actor_id"], entry["target_id"]) == (house.cat.id, report["id"])
    assert json.dumps(entry).count("fool") == 0
