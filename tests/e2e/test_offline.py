"""Reading and writing while the network, the server or the session is away; and a channel that is too long to be looked
through."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import asyncpg
from playwright.async_api import Locator, expect

from tertulia_client import Client, MessageDeleted, MessageUpdated, ReactionAdded
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home
from tertulia_stack.ports import remembered
from tertulia_stack.servers import PostgresServer

from .faults import kill
from .page import DESKTOP, Person, browser
from .people import founded, listening, password_of, people

BOAT = "Shall we paint the boat?"
LONG = 5_000
STEP = timedelta(minutes=20)
KEPT = """async ([channel, text]) => {
    if (navigator.serviceWorker.controller === null) return false
    const loaded = performance.getEntriesByType('resource').filter(({ name }) => name.includes('/assets/'))
    const files = await Promise.all(loaded.map(({ name }) => caches.match(name)))
    if (files.includes(undefined)) return false
    const open = indexedDB.open('tertulia.copy')
    const db = await new Promise((resolve) => { open.onsuccess = () => resolve(open.result) })
    const all = db.transaction('histories').objectStore('histories').getAll()
    const kept = await new Promise((resolve) => { all.onsuccess = () => resolve(all.result) })
    db.close()
    return kept.some((one) => one.channelId === channel && one.items.some((item) => item.text === text))
}"""
"""A worker is in charge of the page and has all that it loaded, and the copy has this message of the channel."""
WATCHED = """() => {
    const list = document.querySelector('main ul[aria-label="Messages"]')
    const box = list.closest('.overflow-y-auto')
    const { top, bottom } = box.getBoundingClientRect()
    const rows = [...list.querySelectorAll('li[data-key]')].filter((row) => {
        const rect = row.getBoundingClientRect()
        return rect.bottom > top && rect.top < bottom
    })
    return {
        rows: list.querySelectorAll('li').length,
        above: box.scrollTop,
        tops: Object.fromEntries(rows.map((row) => [row.dataset.key, Math.round(row.getBoundingClientRect().top)])),
    }
}"""
"""How many rows are in the page, how many pixels are above, and where those on the screen are."""
SCROLL_PX = 300
STOOD_STILL = f"""(tops) => {{
    const now = ({WATCHED})()
    const moved = Object.entries(now.tops).filter(([key]) => key in tops).map(([key, top]) => top - tops[key])
    return moved.length > 0 && moved.every((by) => by === {SCROLL_PX}) && now.rows <= 400
}}"""
"""Those that were on the screen went down by exactly what was scrolled."""


@asynccontextmanager
async def ashore(stack: BackgroundStack, *names: str) -> AsyncGenerator[tuple[list[Person], list[Client], str]]:
    """These people at their pages in a channel where the first of them has said something; with its id."""
    async with people(stack, *names) as clients, browser() as chromium:
        workspace, general = await founded(*clients)
        await clients[0].send(general, BOAT)
        persons = [await Person.at(chromium, name, DESKTOP) for name in names]
        for person, client in zip(persons, clients, strict=True):
            username = client.user.username
            await person.sign_in(f"{stack.url}/w/{workspace.slug}/c/{general}", username, password_of(username))
            await person.reads(BOAT)
        yield persons, clients, general


async def test_what_a_closed_tab_could_not_send_another_one_sends(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as ((ada, ben), _, general):
        closing = await ada.page.context.new_page()
        await closing.goto(ada.page.url)
        await expect(closing.get_by_text(BOAT)).to_be_visible()
        # The server is away for this tab alone: the other one hears of nothing that would make it try by itself.
        await closing.route(f"**/channels/{general}/messages", lambda route: route.abort())
        field = closing.get_by_role("form", name="Write a message").get_by_role("textbox")
        for text in ("Blue, then.", "Or green?"):
            await field.fill(text)
            await field.press("Enter")
        await ada.reads(BOAT, "Blue, then.", "Or green?")
        await ben.reads(BOAT)
        await closing.close()
        await ben.reads(BOAT, "Blue, then.", "Or green?")
        await ada.reads(BOAT, "Blue, then.", "Or green?")


async def test_what_was_read_is_there_offline_and_what_is_written_goes_when_one_is_back(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as ((ada, ben), (_, ben_elsewhere), general):
        await ada.until(KEPT, [general, BOAT])
        await ada.page.context.set_offline(True)
        await ada.page.reload()
        await ada.reads(BOAT)
        status = offline(ada)
        await expect(status).to_be_visible()
        await ada.write("I have blue paint left")
        await ada.reads(BOAT, "I have blue paint left")
        await expect(status).to_contain_text("1 message will be sent when you are back.")
        await ada.page.reload()
        await ada.reads(BOAT, "I have blue paint left")

        await ben_elsewhere.send(general, "Who else is coming?")
        await ada.page.context.set_offline(False)
        await ben.reads(BOAT, "Who else is coming?", "I have blue paint left")
        await ada.reads(BOAT, "Who else is coming?", "I have blue paint left")
        await expect(status).to_be_hidden()


def offline(person: Person) -> Locator:
    return person.page.get_by_role("status").filter(has_text="You are offline.")


async def rewrite(person: Person, text: str, instead: str) -> None:
    """By the keyboard, with which nothing has to be loaded first."""
    await person.message(text).focus()
    await person.page.keyboard.press("e")
    await person.page.get_by_role("textbox", name="Edit message").fill(instead)
    await person.page.keyboard.press("Enter")
    await expect(person.message(instead)).to_be_visible()


async def test_what_is_changed_offline_is_changed_once_when_one_is_back(stack: BackgroundStack):
    lunch, slip, blue = "Lunch is at one", "Never mind that", "Shall we paint it blue?"
    async with (
        ashore(stack, "Ada", "Ben") as ((ada, ben), (ada_elsewhere, ben_elsewhere), general),
        listening(ben_elsewhere) as (listener,),
    ):
        await ben_elsewhere.send(general, lunch)
        await ada_elsewhere.send(general, slip)
        await ada.until(KEPT, [general, slip])
        await ada.page.context.set_offline(True)
        await expect(offline(ada)).to_be_visible()
        await rewrite(ada, BOAT, "Shall we paint it?")
        await rewrite(ada, "Shall we paint it?", blue)
        await ada.message(lunch).focus()
        # The second takes the first back.
        for key in ("+", "+", "+"):
            await ada.page.keyboard.press(key)
        await ada.message(slip).focus()
        await ada.page.keyboard.press("Delete")
        for reloaded in (False, True):
            if reloaded:
                await ada.page.reload()
            await ada.reads(blue, lunch)
            await expect(ada.message(blue)).to_contain_text("(edited)")
            await expect(ada.message(lunch).get_by_role("button", name="👍 you")).to_be_visible()
            await expect(ada.message("This message was deleted.")).to_be_visible()
            await expect(offline(ada)).to_contain_text("3 changes will be made when you are back.")
        await ben.reads(BOAT, lunch, slip)

        await ada.page.context.set_offline(False)
        for person in (ada, ben):
            await person.reads(blue, lunch)
            await expect(person.message(lunch).get_by_role("button", name=re.compile("👍"))).to_be_visible()
            await expect(person.message("This message was deleted.")).to_be_visible()
        await expect(offline(ada)).to_be_hidden()
        kinds = (MessageUpdated, ReactionAdded, MessageDeleted)
        await listener.until(lambda me: len([e for e in me.events(general) if isinstance(e.data, kinds)]) >= len(kinds))
        # Whatever would come a second time comes before this.
        await ada.write("Done")
        await listener.until_texts(general, "Done")
        told = [type(event.data) for event in listener.events(general) if isinstance(event.data, kinds)]
        assert sorted(told, key=kinds.index) == list(kinds)


async def test_what_the_server_refuses_is_taken_back_and_no_text_is_lost(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as ((ada, ben), (ada_elsewhere, ben_elsewhere), general):
        sent = await ben_elsewhere.send(general, "Blue or red?")
        await ben.reads(BOAT, "Blue or red?")
        await ben.page.context.set_offline(True)
        await expect(offline(ben)).to_be_visible()
        await ben.message(BOAT).focus()
        await ben.page.keyboard.press("+")
        await expect(ben.message(BOAT).get_by_role("button", name="👍 you")).to_be_visible()
        await rewrite(ben, "Blue or red?", "Blue or green?")
        await ben.write("Or none.")
        await ben_elsewhere.messages.edit(sent.id, "Blue or white?")
        place, user = f"/channels/{general}", ben_elsewhere.user.id
        await ada_elsewhere.moderation.mute(place, user, until=datetime.now(UTC) + timedelta(hours=1), reason="Calm")
        await ben.page.context.set_offline(False)

        refused = ben.page.get_by_role("status").filter(has_text="The reaction 👍 was not changed. You are muted")
        await expect(refused).to_be_visible(timeout=30_000)
        await expect(ben.message(BOAT).get_by_role("button", name="👍 you")).to_be_hidden()
        row = ben.message("Blue or white?")
        await expect(row).to_contain_text("Not changed. It was changed on another device in the meantime.")
        unsent = ben.message("Or none.")
        await expect(unsent).to_contain_text("Not sent. You are muted")
        await expect(unsent.get_by_role("button", name="Edit")).to_be_hidden()
        await ada_elsewhere.moderation.lift_mute(place, user)
        await row.get_by_role("button", name="Save anyway").click()
        for person in (ben, ada):
            await expect(person.message("Blue or green?")).to_be_visible()

        await unsent.get_by_role("button", name="Edit").click()
        field = ben.page.get_by_role("form", name="Write a message").get_by_role("textbox")
        await expect(field).to_have_value("Or none.")
        await expect(field).to_be_focused()
        await expect(unsent).to_be_hidden()
        await ben.page.keyboard.type(" Wood is fine.")
        await ben.page.keyboard.press("Enter")
        for person in (ben, ada):
            await person.reads(BOAT, "Blue or green?", "Or none. Wood is fine.")


async def test_nothing_is_lost_when_the_server_goes_away_under_somebody_who_types(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as ((ada, ben), _, _):
        composer = ada.page.get_by_role("form", name="Write a message").get_by_role("textbox")
        await composer.press_sequentially("The tide ")
        await kill(stack, "gateway")
        await composer.press_sequentially("turns at ")
        await kill(stack, "notify")
        await composer.press_sequentially("six")
        await expect(composer).to_have_value("The tide turns at six")
        await composer.press("Enter")
        for person in (ada, ben):
            await person.reads(BOAT, "The tide turns at six")
        await ben.write("Then we start at five")
        await ada.reads(BOAT, "The tide turns at six", "Then we start at five")


async def log_in(person: Person, client: Client) -> None:
    await expect(person.page).to_have_url(re.compile("/login"), timeout=30_000)
    await person.page.get_by_role("textbox", name="Email or username").fill(client.user.username)
    await person.page.get_by_label("Password", exact=True).fill(password_of(client.user.username))
    await person.page.get_by_role("button", name="Log in").click()


async def test_a_session_that_ends_keeps_all_that_was_written_for_the_same_person(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as ((ada, ben), (client, other), _):
        composer = ada.page.get_by_role("form", name="Write a message").get_by_role("textbox")
        here = ada.page.url
        await ada.page.context.set_offline(True)
        await expect(offline(ada)).to_be_visible()
        await ada.write("I have blue paint left")
        await ada.message(BOAT).focus()
        await ada.page.keyboard.press("+")
        await composer.fill("Half a thought about")
        await expect(offline(ada)).to_contain_text("2 messages and changes will be sent when you are back.")
        for session in await client.auth.sessions():
            if not session.current:
                await client.auth.revoke_session(session.id)
        await ada.page.context.set_offline(False)

        # Somebody else at the same browser sees nothing of it, sends nothing of it, and takes nothing of it away.
        await log_in(ada, other)
        await expect(ada.page).to_have_url(here)
        await ada.reads(BOAT)
        await expect(composer).to_have_value("")
        await expect(ada.message(BOAT).get_by_role("button", name=re.compile("👍"))).to_be_hidden()
        await ada.page.get_by_role("button", name="Your account").click()
        await ada.page.get_by_role("menuitem", name="Log out").click()
        await ben.reads(BOAT)

        await log_in(ada, client)
        await ada.in_channel("general")
        for person in (ada, ben):
            await person.reads(BOAT, "I have blue paint left")
            await expect(person.message(BOAT).get_by_role("button", name=re.compile("👍"))).to_be_visible()
        await expect(composer).to_have_value("Half a thought about")


async def test_a_page_that_is_not_the_newest_offers_to_be_loaded_anew(stack: BackgroundStack):
    async with ashore(stack, "Ada") as ((ada,), _, general):
        await ada.until(KEPT, [general, BOAT])
        status = ada.page.get_by_role("status").filter(has_text="There is a new version.")
        await expect(status).to_be_hidden()
        # The worker of a newer version says this to the pages that are open.
        await ada.page.evaluate(
            """() => navigator.serviceWorker.dispatchEvent(
                new MessageEvent('message', { data: { kind: 'version', entry: '/assets/index-newer.js' } }))"""
        )
        await expect(status).to_be_visible()
        await status.get_by_role("button", name="Reload").click()
        await ada.reads(BOAT)
        await expect(status).to_be_hidden()


async def fill(stack: BackgroundStack, channel: str, author: str, end: datetime) -> None:
    """Written straight into the tables: `LONG` messages, one each 20 minutes up to that time."""
    home = Home(stack.data_dir)
    url = PostgresServer(home.postgres, remembered(home.ports_file)["postgres"]).url("tertulia_chat")
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            """INSERT INTO message
                (id, workspace_id, channel_id, ch_seq, author_id, client_msg_id, text, created_at)
            SELECT gen_random_uuid(), c.workspace_id, c.id, c.last_seq + n, $2::uuid, gen_random_uuid(),
                'Entry ' || n || ' of the log' || repeat(' and calm', n * 7 % 23),
                $4::timestamptz - ($3::int - n) * $5::interval
            FROM channel c CROSS JOIN generate_series(1, $3::int) AS n WHERE c.id = $1""",
            channel,
            author,
            LONG,
            end,
            STEP,
        )
        await connection.execute(
            "UPDATE channel SET last_seq = last_seq + $2, last_msg_seq = last_seq + $2 WHERE id = $1", channel, LONG
        )
        await connection.execute(
            "UPDATE channel_member SET read_seq = (SELECT last_seq FROM channel WHERE id = $1) WHERE channel_id = $1",
            channel,
        )
    finally:
        await connection.close()


async def test_a_long_channel_stands_still_above_and_is_left_by_date(stack: BackgroundStack):
    async with people(stack, "Ada") as (client,), browser() as chromium:
        workspace, general = await founded(client)
        end = datetime.now(UTC).replace(microsecond=0)
        await fill(stack, str(general), str(client.user.id), end)
        ada = await Person.at(chromium, "Ada", DESKTOP)
        username = client.user.username
        await ada.sign_in(f"{stack.url}/w/{workspace.slug}/c/{general}", username, password_of(username))
        await expect(ada.message(f"Entry {LONG} of")).to_be_visible()

        await ada.message(f"Entry {LONG} of").hover()
        for _ in range(25):
            # What is above has come, so that it can be scrolled to.
            await ada.page.wait_for_function(f"() => ({WATCHED})().above >= {SCROLL_PX}")
            before = await ada.page.evaluate(WATCHED)
            await ada.page.mouse.wheel(0, -SCROLL_PX)
            await ada.page.wait_for_function(STOOD_STILL, arg=before["tops"])

        days = ada.page.get_by_role("list", name="Messages").get_by_role("heading", level=2)
        # Where midnight lies depends on when this runs.
        while not await days.get_by_role("button").first.is_visible():
            await ada.page.mouse.wheel(0, -SCROLL_PX)
            await ada.page.wait_for_timeout(50)
        await days.get_by_role("button").first.click()
        dialog = ada.page.get_by_role("dialog", name="Jump to a date")
        day = (end - timedelta(days=30)).date()
        await ada.write_date(dialog.get_by_role("group", name="Date"), day)
        await ada.page.keyboard.press("Enter")
        await expect(dialog).to_be_hidden()
        heading = days.filter(has_text=re.compile(rf"\b{day.day} {day:%B}|{day:%B} {day.day}\b"))
        await expect(heading).to_be_in_viewport()

        await heading.get_by_role("button").click()
        await dialog.get_by_role("button", name="The beginning").click()
        await expect(ada.message("Entry 1 of")).to_be_in_viewport()
        await ada.page.get_by_role("button", name="Jump to latest").click()
        await expect(ada.message(f"Entry {LONG} of")).to_be_in_viewport()
        rows = await asyncio.wait_for(ada.page.evaluate(WATCHED), 10)
        assert rows["rows"] <= 400
        assert ada.complaints == []
