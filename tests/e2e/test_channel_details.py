"""What a channel is called and about, and who is in it, decided by one person and seen by another."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from playwright.async_api import Locator, expect

from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

NARROW = {"width": 375, "height": 812}


@asynccontextmanager
async def together(
    stack: BackgroundStack, *names: str, viewport: dict[str, int] | None = None
) -> AsyncGenerator[list[Person]]:
    """The first of them has opened `#plans`, where all are."""
    async with people(stack, *names) as clients, browser() as chromium:
        workspace, _ = await founded(*clients)
        plans = await clients[0].channels.create(workspace.id, "plans")
        for client in clients[1:]:
            await client.channels.join(plans.id)
        address = f"{stack.url}/w/{workspace.slug}/c/{plans.id}"
        persons = [await Person.at(chromium, name, viewport or DESKTOP) for name in names]
        await asyncio.gather(
            *(
                person.sign_in(address, client.user.username, password_of(client.user.username))
                for person, client in zip(persons, clients, strict=True)
            )
        )
        for person in persons:
            await person.in_channel("plans")
        yield persons


async def details(person: Person) -> Locator:
    panel = person.page.get_by_role("complementary", name="Channel details")
    if not await panel.is_visible():
        await person.page.get_by_role("button", name="Channel details").click()
    return panel


async def edit(panel: Locator, what: str, value: str) -> None:
    await panel.get_by_role("button", name=f"Edit: {what}").click()
    await panel.get_by_role("textbox", name=what).fill(value)
    await panel.get_by_role("button", name="Save").click()
    await expect(panel.get_by_role("button", name=f"Edit: {what}")).to_be_focused()


async def test_name_topic_purpose_and_people(stack: BackgroundStack):
    async with together(stack, "Ada", "Ben") as (ada, ben):
        hers, his = await details(ada), await details(ben)
        await expect(his.get_by_role("button", name="Edit: Name")).to_have_count(0)
        await edit(his, "Topic", "The boat, at last")
        await expect(hers).to_contain_text("The boat, at last")
        await edit(hers, "Purpose", "Where plans are made")
        await expect(his).to_contain_text("Where plans are made")
        await edit(hers, "Name", "Grand Plans")
        await ben.in_channel("grand-plans")

        await hers.get_by_role("button", name="Options for Ben").click()
        await ada.page.get_by_role("menuitem", name="Make owner").click()
        row = hers.get_by_role("listitem").filter(has_text="Ben")
        await expect(row).to_contain_text("Owner")

        await hers.get_by_role("button", name="Options for Ben").click()
        await ada.page.get_by_role("menuitem", name="Remove from channel").click()
        await ada.page.get_by_role("alertdialog").get_by_role("button", name="Remove from channel").click()
        await expect(row).to_have_count(0)
        sidebar = ben.page.get_by_role("navigation", name="Conversations")
        await expect(sidebar.get_by_role("link", name="grand-plans")).to_have_count(0)
        await expect(ben.page.get_by_role("main")).to_contain_text("You are no longer in grand-plans.")

        await hers.get_by_role("button", name="Archive", exact=True).click()
        await ada.page.get_by_role("alertdialog").get_by_role("button", name="Archive", exact=True).click()
        await expect(ada.page.get_by_text("This channel is archived")).to_be_visible()
        await hers.get_by_role("button", name="Open again").click()
        await expect(ada.page.get_by_role("form", name="Write a message")).to_be_visible()
        assert ada.complaints == []


async def test_channels_are_found_counted_joined_and_left(stack: BackgroundStack):
    async with together(stack, "Ada", "Ben") as (ada, ben):
        page = ben.page
        await (await details(ben)).get_by_role("button", name="Leave").click()
        await page.get_by_role("alertdialog").get_by_role("button", name="Leave channel").click()
        await ben.in_channel("general")
        await page.get_by_role("button", name="Add channels").click()
        await page.get_by_role("menuitem", name="Browse channels").click()
        browse = page.get_by_role("dialog", name="Browse channels")
        await browse.get_by_role("textbox", name="Find a channel").fill("pla")
        await expect(browse.get_by_role("listitem")).to_contain_text("1 member")
        await browse.get_by_role("button", name="Join plans").click()
        await ben.in_channel("plans")
        await expect(ada.page.get_by_role("button", name="Show members: 2 people")).to_be_visible()


async def test_a_walk_on_the_phone(stack: BackgroundStack):
    async with together(stack, "Ada", "Ben", viewport=NARROW) as (ada, _):
        page = ada.page
        await page.get_by_role("link", name="Back").click()
        bar = page.get_by_role("navigation", name="Places")
        await expect(bar.get_by_role("link", name="Home")).to_have_attribute("aria-current", "page")
        await expect(page.get_by_role("link", name="general")).to_be_visible()
        await bar.get_by_role("link", name="DMs").click()
        await expect(page.get_by_role("link", name="general")).to_have_count(0)
        await ada.start_dm("Ben")
        await expect(bar).to_have_count(0)
        await page.get_by_role("link", name="Back").click()
        await bar.get_by_role("link", name="Search").click()
        await expect(page.get_by_role("main", name="Search")).to_be_visible()
        await bar.get_by_role("link", name="Home").click()
        await expect(page.get_by_role("link", name="general")).to_be_visible()
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= NARROW["width"]
        assert ada.complaints == []


async def test_who_is_in_no_channel_is_told_where_one_begins(stack: BackgroundStack):
    async with people(stack, "Ada") as (ada,), browser() as chromium:
        workspace, general = await founded(ada)
        await ada.channels.leave(general)
        person = await Person.at(chromium, "Ada", DESKTOP)
        username = ada.user.username
        await person.sign_in(f"{stack.url}/w/{workspace.slug}", username, password_of(username))
        main = person.page.get_by_role("main")
        await expect(main).to_contain_text("You are in no conversation yet.")
        assert person.complaints == []
