"""Who is there and who they are: presence, status and profiles, as two people see them of each other."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from playwright.async_api import Locator, expect

from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people


@asynccontextmanager
async def together(stack: BackgroundStack, *names: str) -> AsyncGenerator[list[Person]]:
    """These people at their pages in one channel, where the second has said hello."""
    async with people(stack, *names) as clients, browser() as chromium:
        workspace, general = await founded(*clients)
        await clients[1].send(general, "Hello from here")
        address = f"{stack.url}/w/{workspace.slug}/c/{general}"
        persons = [await Person.at(chromium, name, DESKTOP) for name in names]
        users = [client.user.username for client in clients]
        await asyncio.gather(
            *(
                person.sign_in(address, username, password_of(username))
                for person, username in zip(persons, users, strict=True)
            )
        )
        for person in persons:
            await person.reads("Hello from here")
        yield persons


async def test_a_profile_leads_to_a_conversation(stack: BackgroundStack):
    async with together(stack, "Ada", "Ben") as (ada, _):
        author = ada.message("Hello from here").get_by_role("button", name="Ben", exact=True)
        await author.focus()
        await ada.page.keyboard.press("Enter")
        card = ada.page.get_by_role("dialog", name="Profile of Ben")
        await expect(card).to_contain_text("Online")
        await ada.page.keyboard.press("Escape")
        await expect(card).to_have_count(0)
        await expect(author).to_be_focused()
        await author.click()
        await card.get_by_role("button", name="Message").click()
        await ada.in_channel("Ben")
        await ada.write("Welcome!")
        await ada.reads("Welcome!")
        assert ada.complaints == []


async def test_presence_and_status_are_seen_by_the_other(stack: BackgroundStack):
    async with together(stack, "Ada", "Ben") as (ada, ben):
        await ada.message("Hello from here").get_by_role("button", name="Ben", exact=True).click()
        card = ada.page.get_by_role("dialog", name="Profile of Ben")
        await expect(card).to_contain_text("Online")

        await ben.message("Hello from here").get_by_role("button", name="Ben", exact=True).click()
        await ben.page.get_by_role("dialog", name="Profile of Ben").get_by_role("button", name="Set a status").click()
        mine = ben.page.get_by_role("dialog", name="Status and presence")
        await mine.get_by_role("button", name="At lunch").click()
        await mine.get_by_role("button", name="Save").click()
        await expect(mine).to_have_count(0)
        await expect(card).to_contain_text("At lunch")
        await expect(ada.message("Hello from here").get_by_role("img", name="Status: At lunch")).to_be_visible()

        await ben.message("Hello from here").get_by_role("button", name="Ben", exact=True).click()
        await ben.page.get_by_role("dialog", name="Profile of Ben").get_by_role("button", name="Set a status").click()
        await mine.get_by_text("Away", exact=True).click()
        await expect(card).to_contain_text("Away", timeout=15_000)
        await mine.get_by_role("button", name="1 hour").click()
        await expect(mine).to_contain_text("Do not disturb until")
        await mine.get_by_role("button", name="Clear status").click()
        await expect(card).not_to_contain_text("At lunch")


async def leave_workspace(person: Person) -> Locator:
    """The question, answered with yes."""
    page = person.page
    await page.get_by_role("banner").get_by_role("button", name=re.compile(" menu$")).click()
    await page.get_by_role("menuitem", name="Leave workspace").click()
    asked = page.get_by_role("alertdialog", name=re.compile("^Leave "))
    await asked.get_by_role("button", name="Leave workspace").click()
    return asked


async def test_who_leaves_a_workspace_is_out_of_it_and_an_owner_stays(stack: BackgroundStack):
    async with together(stack, "Ada", "Ben") as (ada, ben):
        await leave_workspace(ben)
        await expect(ben.page.get_by_role("heading", name="Welcome, Ben")).to_be_visible()
        # A page that is on its way out may still ask for what it has just lost.
        assert not [complaint for complaint in ben.complaints if "404" not in complaint]
        await expect(ada.page.get_by_role("button", name="Show members: 1 person")).to_be_visible()
        refused = await leave_workspace(ada)
        await expect(refused).to_contain_text("A workspace needs an owner")
        await refused.get_by_role("button", name="Cancel").click()
        await ada.in_channel("general")
