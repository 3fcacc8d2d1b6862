"""What is unread, who asked for me, what I want to hear of: at the page, and the same on all devices of a person."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Locator, Page, expect

from tertulia_client import Client, Workspace
from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

RECORDED = """
const show = ServiceWorkerRegistration.prototype.showNotification
window.rung = []
ServiceWorkerRegistration.prototype.showNotification = function (title, options) {
    window.rung.push(`${title}: ${options.body}`)
    return show.call(this, title, options)
}
"""
"""Keeps what a tab asks its worker to show, and lets it be shown."""
LOOKED_AT = """(focused) => {
    document.hasFocus = () => focused
    dispatchEvent(new Event(focused ? 'focus' : 'blur'))
}"""
"""Playwright lets every page think that it has the focus."""
DECIDED = """async () => {
    const { held } = await navigator.locks.query()
    return !held.some(({ name }) => name.startsWith('tertulia.bell.'))
}"""
"""No tab is thinking about whether to ring."""
THERE = """async () => {
    const worker = await navigator.serviceWorker.ready
    const all = await worker.getNotifications()
    return all.map(({ title, body }) => `${title}: ${body}`)
}"""
"""The notifications that the browser shows."""
CLICK = """async () => {
    const [notification] = await self.registration.getNotifications()
    self.dispatchEvent(new NotificationEvent('notificationclick', { notification }))
}"""


@dataclass
class Office:
    """Ada writes by her client; Ben is at his page, on as many devices as it takes."""

    ada: Client
    ben: Client
    workspace: Workspace
    general: str
    plans: str
    devices: list[Person]


@asynccontextmanager
async def office(stack: BackgroundStack, devices: int = 1) -> AsyncGenerator[Office]:
    """Two channels, general and plans, both are in; Ben's devices show general."""
    async with people(stack, "Ada", "Ben") as (ada, ben), browser() as chromium:
        workspace, general = await founded(ada, ben)
        plans = (await ada.channels.create(workspace.id, "plans")).id
        await ben.channels.join(plans)
        persons = [await Person.at(chromium, "Ben", DESKTOP) for _ in range(devices)]
        address = f"{stack.url}/w/{workspace.slug}/c/{general}"
        username = ben.user.username
        await asyncio.gather(*(person.sign_in(address, username, password_of(username)) for person in persons))
        for person in persons:
            await person.in_channel("general")
        yield Office(ada, ben, workspace, general, plans, persons)
        assert [person.complaints for person in persons] == [[]] * devices


def row(person: Person, name: str) -> Locator:
    """A conversation in the sidebar, by all that is said of it."""
    return person.page.get_by_role("navigation", name="Conversations").get_by_role("link", name=name, exact=True)


async def test_two_devices_agree_on_what_is_unread(stack: BackgroundStack):
    async with office(stack, devices=2) as at:
        laptop, phone = at.devices
        await at.ada.send(at.plans, "Shall we paint the boat?")
        for device in (laptop, phone):
            await expect(row(device, "plans, unread")).to_be_visible()
        await at.ada.send(at.plans, f"@{at.ben.user.username}, blue?")
        for device in (laptop, phone):
            await expect(row(device, "plans, unread, 1 mention")).to_be_visible()
            await expect(device.page).to_have_title(re.compile(r"^\(1\) general"))

        await row(laptop, "plans, unread, 1 mention").click()
        await expect(laptop.page.get_by_role("heading", name="New", exact=True)).to_be_visible()
        await expect(row(phone, "plans")).to_be_visible()
        await expect(phone.page).to_have_title(re.compile("^general"))
        # The line stays where it was while somebody reads.
        await expect(laptop.page.get_by_role("heading", name="New", exact=True)).to_be_visible()

        root = await at.ada.send(at.general, "And the mast?")
        await at.ada.messages.send(at.general, "It can wait.", thread_id=root.id)
        await expect(row(laptop, "general, unread")).to_be_visible()
        await row(laptop, "general, unread").click()
        await expect(row(laptop, "general")).to_be_visible()
        await laptop.page.reload()
        await expect(row(laptop, "general")).to_be_visible()
        await expect(row(laptop, "plans")).to_be_visible()


async def test_a_mention_is_an_activity_with_its_reason(stack: BackgroundStack):
    async with office(stack) as at:
        (ben,) = at.devices
        page = ben.page
        await at.ada.send(at.plans, f"@{at.ben.user.username}, the **boat** is `blue`. ||Or is it?||")
        await expect(row(ben, "Activity, 1 new")).to_be_visible()
        await expect(page).to_have_title(re.compile(r"^\(1\)"))
        await row(ben, "Activity, 1 new").click()
        activity = page.get_by_role("list", name="Activity").get_by_role("listitem")
        await expect(activity).to_have_count(1)
        for text in ("Ada", "#plans", "@Ben, the boat is blue. Spoiler", "You were mentioned"):
            await expect(activity).to_contain_text(text)
        # What comes while one looks is there without a reload.
        dm = await at.ada.channels.open_dm(at.workspace.id, [at.ben.user.id])
        await at.ada.send(dm.id, "Bring the brush.")
        await expect(activity).to_have_count(2)
        await expect(activity.first).to_contain_text("Direct message to you")
        await expect(row(ben, "Activity, 2 new")).to_be_visible()
        direct = page.get_by_role("navigation", name="Conversations").get_by_role("link", name=re.compile("^Ada"))
        await expect(direct).to_have_accessible_name(re.compile(", unread, 1 message$"))

        await activity.last.get_by_role("link").click()
        await ben.in_channel("plans")
        await expect(row(ben, "Activity, 1 new")).to_be_visible()
        await row(ben, "Activity, 1 new").click()
        await page.get_by_role("button", name="Mark all as read").click()
        await expect(row(ben, "Activity")).to_be_visible()
        await page.get_by_role("group", name="Show").get_by_role("button", name="Mentions").click()
        await expect(activity).to_have_count(1)
        await expect(activity).to_contain_text("the boat is blue.")


async def test_threads_that_somebody_follows(stack: BackgroundStack):
    async with office(stack) as at:
        (ben,) = at.devices
        page = ben.page
        root = await at.ben.send(at.plans, "With what shall we paint?")
        await at.ada.messages.send(at.plans, "With a brush.", thread_id=root.id)
        await expect(row(ben, "Threads, 1 new reply")).to_be_visible()
        # A reply alone never makes the channel bold; it has a dot.
        await expect(row(ben, "plans, new replies")).to_be_visible()
        await row(ben, "Threads, 1 new reply").click()
        thread = page.get_by_role("list", name="Threads").get_by_role("listitem")
        await expect(thread).to_contain_text("With what shall we paint?")
        await expect(thread).to_contain_text("1 new reply")
        await thread.get_by_role("link").click()
        await ben.reads("With what shall we paint?", "With a brush.", among="Replies")
        await expect(row(ben, "Threads")).to_be_visible()
        await expect(row(ben, "plans")).to_be_visible()

        panel = page.get_by_role("complementary", name="Thread")
        await panel.get_by_role("button", name="Unfollow thread").click()
        await expect(panel.get_by_role("button", name="Follow thread")).to_be_visible()
        await panel.get_by_role("button", name="Close thread").click()
        await ben.open("general")
        await at.ada.messages.send(at.plans, "Or a roller.", thread_id=root.id)
        await at.ada.send(at.plans, "Done.")
        await expect(row(ben, "plans, unread")).to_be_visible()
        await row(ben, "Threads").click()
        await expect(page.get_by_text("You have read all your threads.")).to_be_visible()


async def test_unread_from_here_and_all_read_with_undo(stack: BackgroundStack):
    async with office(stack, devices=2) as at:
        laptop, phone = at.devices
        for text in ("One.", "Two.", "Three."):
            await at.ada.send(at.plans, text)
        await row(laptop, "plans, unread").click()
        await expect(row(phone, "plans")).to_be_visible()
        new = laptop.page.get_by_role("heading", name="New", exact=True)
        await expect(new).to_be_visible()
        await laptop.page.keyboard.press("Escape")
        await expect(new).to_be_hidden()

        await laptop.message("Two.").focus()
        await laptop.page.keyboard.press("Shift+U")
        await expect(new).to_be_visible()
        # It stays so, though it is looked at, until they leave.
        await expect(row(phone, "plans, unread")).to_be_visible()
        await expect(row(laptop, "plans, unread")).to_be_visible()
        await row(laptop, "general").click()
        await expect(row(laptop, "plans, unread")).to_be_visible()

        await laptop.page.keyboard.press("Shift+Escape")
        for device in (laptop, phone):
            await expect(row(device, "plans")).to_be_visible()
        await laptop.page.get_by_role("button", name="Undo").click()
        for device in (laptop, phone):
            await expect(row(device, "plans, unread")).to_be_visible()
        assert (await at.ben.attention.unread(at.workspace.id)).total.unread == 2


async def test_after_an_absence_one_reads_where_one_stopped_or_at_the_end(stack: BackgroundStack):
    async with office(stack) as at:
        (ben,) = at.devices
        page = ben.page
        new = page.get_by_role("heading", name="New", exact=True)

        async def much() -> None:
            for n in range(40):
                await at.ada.send(at.plans, f"Plank {n}, and what is to be said of it.")

        await much()
        # It is as many as there were when the channel was opened: the page must have heard of all of them.
        await page.reload()
        await row(ben, "plans, unread").click()
        await expect(new).to_be_in_viewport()
        await page.get_by_role("button", name=re.compile("^Jump to latest")).click()
        above = page.get_by_role("region", name="New messages above")
        await expect(above).to_contain_text("40 new since")
        await above.get_by_role("button", name="Jump").click()
        await expect(new).to_be_in_viewport()
        await page.get_by_role("button", name=re.compile("^Jump to latest")).click()
        await above.get_by_role("button", name="Mark read").click()
        await expect(new).to_have_count(0)
        await expect(row(ben, "plans")).to_be_visible()

        await page.goto(page.url.split("/w/")[0] + "/settings/conversations")
        choices = page.get_by_role("radiogroup", name="A channel with something new opens")
        await choices.get_by_role("radio", name="At its newest message, and stays unread").check()
        await much()
        await page.goto(f"{page.url.split('/settings/')[0]}/w/{at.workspace.slug}/c/{at.general}")
        await row(ben, "plans, unread").click()
        await expect(ben.message("Plank 39,").last).to_be_in_viewport()
        await expect(above).to_contain_text("40 new since")
        await row(ben, "general").click()
        await expect(row(ben, "plans, unread")).to_be_visible()


async def test_a_muted_channel_is_quiet_but_for_mentions(stack: BackgroundStack):
    async with office(stack, devices=2) as at:
        laptop, phone = at.devices
        await laptop.open("plans")
        await laptop.page.get_by_role("button", name="Channel details").click()
        details = laptop.page.get_by_role("complementary", name="Channel details")
        await laptop.pick("Notify me about", "Nothing", details)
        await details.get_by_role("checkbox", name="Mute").check()
        await expect(row(phone, "plans, muted")).to_be_visible()
        await laptop.open("general")
        await at.ada.send(at.plans, "Nobody hears me.")
        await at.ada.send(at.plans, f"@{at.ben.user.username}, not even you?")
        for device in (laptop, phone):
            await expect(row(device, "plans, 1 mention, muted")).to_be_visible()
        preferences = (await at.ben.workspaces.bootstrap(at.workspace.id)).channels
        (plans,) = [one.preferences for one in preferences if one.channel.id == at.plans]
        assert (plans.level, plans.muted) == ("none", True)


async def test_keywords_are_watched_for(stack: BackgroundStack):
    async with office(stack) as at:
        (ben,) = at.devices
        await row(ben, "Activity").click()
        await ben.page.get_by_role("button", name="Notification settings").click()
        main = ben.page.get_by_role("main", name="Notifications")
        await main.get_by_role("textbox", name="Keywords").fill("harbour, brush")
        await main.get_by_role("button", name="Save").click()
        await expect(ben.page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
        await main.get_by_role("button", name="Close settings").click()
        await at.ada.send(at.general, "See you at the harbour.")
        entry = ben.page.get_by_role("list", name="Activity").get_by_role("listitem")
        await expect(entry).to_contain_text("See you at the harbour.")
        await expect(entry).to_contain_text("A word that you watch for")


async def settle(page: Page, *, words: bool) -> None:
    """Asks to be told by the operating system, with what was said or without."""
    await page.get_by_role("button", name="Notification settings").click()
    main = page.get_by_role("main", name="Notifications")
    await expect(main.get_by_role("textbox", name="Keywords")).to_be_enabled()
    turn_on = main.get_by_role("button", name="Turn on notifications")
    if await turn_on.is_visible():
        await turn_on.click()
    await main.get_by_role("switch", name="Show what was said").set_checked(words)
    await main.get_by_role("button", name="Close settings").click()
    await expect(main).to_be_hidden()


async def test_the_system_tells_once_and_only_who_looks_elsewhere(stack: BackgroundStack):
    async with office(stack) as at:
        (ben,) = at.devices
        page, context = ben.page, ben.page.context
        await context.grant_permissions(["notifications"])
        await context.add_init_script(RECORDED)
        await page.goto(f"{stack.url}/w/{at.workspace.slug}/activity")
        assert await page.evaluate(THERE) == []
        await settle(page, words=True)
        other = await context.new_page()
        await other.goto(f"{stack.url}/w/{at.workspace.slug}/c/{at.general}")
        await expect(other.get_by_role("heading", level=1, name="general")).to_be_visible()

        await page.evaluate(LOOKED_AT, False)
        await other.evaluate(LOOKED_AT, True)
        await at.ada.send(at.plans, f"@{at.ben.user.username}, the boat is blue.")
        await expect(row(ben, "Activity, 1 new")).to_be_visible()
        await ben.until(DECIDED)
        assert await page.evaluate(THERE) == []

        await other.evaluate(LOOKED_AT, False)
        dm = await at.ada.channels.open_dm(at.workspace.id, [at.ben.user.id])
        await at.ada.send(dm.id, "Bring the *brush*.")
        await expect(page).to_have_title(re.compile(r"^\(2\)"))
        await ben.until(f"async () => (await ({THERE})()).length > 0")
        await ben.until(DECIDED)
        assert await page.evaluate(THERE) == ["Ada: Bring the brush."]
        rung = [rang for tab in (page, other) for rang in await tab.evaluate("window.rung")]
        assert rung == ["Ada: Bring the brush."]

        await other.close()
        (worker,) = context.service_workers
        await worker.evaluate(CLICK)
        await page.evaluate(LOOKED_AT, True)
        await ben.in_channel("Ada")
        assert await page.evaluate(THERE) == []

        await row(ben, "Activity, 1 new").click()
        await settle(page, words=False)
        await page.evaluate(LOOKED_AT, False)
        psst = await at.ada.send(at.plans, f"@{at.ben.user.username}, psst.")
        await ben.until(f"async () => (await ({THERE})()).length > 0")
        assert await page.evaluate(THERE) == ["Ada in #plans: You were mentioned"]

        # Read elsewhere, or gone: nobody needs to be told of it any more.
        await at.ben.attention.read(at.plans, psst.ch_seq)
        await ben.until(f"async () => (await ({THERE})()).length === 0")
        again = await at.ada.send(at.plans, f"@{at.ben.user.username}, forget it.")
        await ben.until(f"async () => (await ({THERE})()).length > 0")
        await at.ada.messages.delete(again.id)
        await ben.until(f"async () => (await ({THERE})()).length === 0")
