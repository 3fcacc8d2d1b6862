"""Pages of messages hold what the messages hold, whichever way one pages."""

import uuid

import pytest


async def test_a_message_in_a_page_is_the_message(chat, furnished, bot):
    """With everything that a message can carry, and with nothing of it."""
    ann, bob, here = furnished.ann, furnished.bob, furnished.plans
    names = f"<@{bob.id}> @channel #{furnished.general['name']}"
    text = f"{names} https://example.org /w/x/c/{here['id']}/m/{furnished.said['id']}"
    full = await ann.say(here, text)
    await bob.reply(here, full, "indeed")
    await bob.ask("PUT", f"/messages/{full['id']}/reactions/👍")
    await ann.ask("PUT", f"/messages/{full['id']}/pin")
    await ann.patch(f"/messages/{full['id']}", {"text": text + " (edited)"})
    wish = {"channel_id": here["id"], "client_msg_id": str(uuid.uuid4())}
    await ann.post(f"/messages/{full['id']}/forward", wish, 201)
    run = (await bot.open(ann, here))["run"]
    await bot.finish(run["id"], citations=[bot.cite(furnished.said)])
    gone = await ann.say(here, "gone")
    await ann.delete(f"/messages/{gone['id']}", 200)
    page = (await ann.get(f"/channels/{here['id']}/messages?limit=200"))["items"]
    assert page == [(await ann.get(f"/messages/{message['id']}"))["message"] for message in page]
    carried = {key for message in page for key, value in message.items() if value not in (None, [], "", False)}
    assert carried >= {
        *full,
        "edited_at",
        "deleted_at",
        "ai",
        "forwarded",
        "thread",
        "pinned",
        "reactions",
        "audience",
        "system",
    } - {"messages", "in_channel"}


async def test_who_is_banned_is_told_so(furnished):
    here = f"/channels/{furnished.plans['id']}"
    await furnished.ann.ask("PUT", f"{here}/bans/{furnished.bob.id}", json={})
    assert (await furnished.bob.get(f"{here}/messages", 403))["code"] == "banned"
    assert (await furnished.dan.get(f"{here}/messages", 404))["code"] == "not_found"


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_begin_and_end_where_they_say(furnished, limit):
    """Beside every number of the channel, also those that no message has."""
    ann, here = furnished.ann, furnished.plans
    await furnished.cid.post(f"/channels/{here['id']}/join")
    for _ in range(3):
        await ann.say(here, "more")
    everything = (await ann.get(f"/channels/{here['id']}/messages?limit=200"))["items"]
    numbers = [message["ch_seq"] for message in everything]
    assert numbers != list(range(numbers[0], numbers[-1] + 1))

    def wanted(way, seq):
        below, above = [n for n in numbers if n <= seq], [n for n in numbers if n > seq]
        if way == "before":
            return [n for n in numbers if n < seq][-limit:]
        if way == "after":
            return above[:limit]
        lower = below[-max(limit - len(above), (limit + 1) // 2) :]
        return lower + above[: limit - len(lower)]

    for seq in range(numbers[-1] + 3):
        for way in ("before", "after", "around"):
            page = await ann.get(f"/channels/{here['id']}/messages?{way}={seq}&limit={limit}")
            found = [message["ch_seq"] for message in page["items"]]
            assert found == wanted(way, seq), (way, seq)
            first, last = (found[0], found[-1]) if found else ((seq, seq - 1) if way == "before" else (seq + 1, seq))
            assert page["has_before"] == any(n < first for n in numbers), (way, seq)
            assert page["has_after"] == any(n > last for n in numbers), (way, seq)
