"""The sidebar as one person arranges it, on two devices and by the keyboard alone."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from playwright.async_api import Locator, expect

from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

CHANNELS = ("boats", "garden", "kitchen")
SECOND = "Harbour"


@asynccontextmanager
async def devices(stack: BackgroundStack) -> AsyncGenerator[list[Person]]:
    """Ada at two devices, in a workspace with a few channels."""
    async with people(stack, "Ada") as (ada,), browser() as chromium:
        workspace, general = await founded(ada)
        await ada.workspaces.create(SECOND)
        for name in CHANNELS:
            await ada.channels.create(workspace.id, name)
        address = f"{stack.url}/w/{workspace.slug}/c/{general}"
        both = [await Person.at(chromium, "Ada", DESKTOP) for _ in range(2)]
        await asyncio.gather(*(one.sign_in(address, ada.user.username, password_of(ada.user.username)) for one in both))
        for one in both:
            await one.in_channel("general")
        yield both


def sidebar(person: Person) -> Locator:
    return person.page.get_by_role("navigation", name="Conversations")


def section(person: Person, name: str) -> Locator:
    """The part of the sidebar below a heading."""
    heading = person.page.get_by_role("heading", level=2, name=name, exact=True)
    return sidebar(person).locator("section").filter(has=heading)


async def holds(person: Person, name: str, *channels: str) -> None:
    """These, from top to bottom."""
    await expect(section(person, name).get_by_role("link")).to_have_text(list(channels))


async def choose(person: Person, channel: str, item: str) -> None:
    """By the mouse: a row's menu."""
    row = sidebar(person).get_by_role("link", name=channel)
    await row.click(button="right")
    await person.page.get_by_role("menuitem", name=item).click()


async def test_sections_are_the_same_on_both_devices(stack: BackgroundStack):
    async with devices(stack) as (desk, laptop):
        await holds(laptop, "Channels", "boats", "garden", "general", "kitchen")
        await choose(desk, "kitchen", "Move to section…")
        await desk.page.get_by_role("button", name="New section").click()
        await desk.page.get_by_role("textbox", name="Name of the section").fill("House")
        await desk.page.get_by_role("button", name="Create section").click()
        for one in (desk, laptop):
            await holds(one, "House", "kitchen")
            await holds(one, "Channels", "boats", "garden", "general")

        # The laptop drags, and the desk sees it.
        garden = sidebar(laptop).get_by_role("link", name="garden")
        kitchen = sidebar(laptop).get_by_role("link", name="kitchen")
        await garden.drag_to(kitchen, target_position={"x": 60, "y": 4})
        for one in (laptop, desk):
            await holds(one, "House", "garden", "kitchen")
            await holds(one, "Channels", "boats", "general")

        await choose(laptop, "boats", "Add to favourites")
        await holds(desk, "Favourites", "boats")
        house = section(desk, "House").get_by_role("button", name="House", exact=True)
        await house.click()
        await expect(house).to_have_attribute("aria-expanded", "false")
        await expect(section(laptop, "House").get_by_role("link")).to_have_count(0)

        await house.click(button="right")
        await desk.page.get_by_role("menuitem", name="Delete section").click()
        await desk.page.get_by_role("alertdialog").get_by_role("button", name="Delete section").click()
        for one in (desk, laptop):
            await holds(one, "Channels", "garden", "general", "kitchen")
        assert desk.complaints == []
        assert laptop.complaints == []


async def test_the_sidebar_by_the_keyboard_alone(stack: BackgroundStack):
    async with devices(stack) as (ada, other):
        page = ada.page
        rows = sidebar(ada)
        # One stop of Tab: the open conversation. From there the arrows lead on.
        await expect(rows.locator("a:not([tabindex='-1']), button:not([tabindex='-1'])")).to_have_count(1)
        await rows.get_by_role("link", name="general").focus()
        await page.keyboard.press("ArrowUp")
        await expect(rows.get_by_role("link", name="garden")).to_be_focused()
        await page.keyboard.press("ArrowRight")
        await expect(page.get_by_role("button", name="Options for garden")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.get_by_role("menuitem", name="Add to favourites").press("Enter")
        await holds(ada, "Favourites", "garden")
        await expect(rows.get_by_role("link", name="garden")).to_be_focused()
        await page.keyboard.press("ArrowUp")
        heading, there = (
            section(each, "Favourites").get_by_role("button", name="Favourites", exact=True) for each in (ada, other)
        )
        await expect(heading).to_be_focused()
        await page.keyboard.press("Enter")
        await expect(heading).to_have_attribute("aria-expanded", "false")
        await page.keyboard.press("End")
        await page.keyboard.press("Home")
        for name in ("Activity", "Threads", "Drafts and sent later", "Saved"):
            await expect(rows.get_by_role("link", name=name)).to_be_focused()
            await page.keyboard.press("ArrowDown")
        await expect(rows.locator("a:not([tabindex='-1']), button:not([tabindex='-1'])")).to_have_count(1)

        rail = page.get_by_role("navigation", name="Workspaces")
        await rail.get_by_role("link", name=SECOND).press("Enter")
        await ada.in_channel("general")
        await expect(page.get_by_role("button", name=f"{SECOND} menu")).to_be_visible()
        await expect(rail.get_by_role("link", name=SECOND)).to_have_attribute("aria-current", "page")
        await expect(rows.get_by_role("link", name="boats")).to_have_count(0)
        await rail.get_by_role("link", name="Journey").press("Enter")
        await expect(rows.get_by_role("link", name="boats")).to_be_visible()

        splitter = page.get_by_role("separator", name="Width of the sidebar")
        await splitter.press("End")
        await expect(splitter).to_have_attribute("aria-valuenow", "320")
        await expect(there).to_have_attribute("aria-expanded", "false")
        await page.reload()
        await expect(splitter).to_have_attribute("aria-valuenow", "320")
        await expect(heading).to_have_attribute("aria-expanded", "false")
