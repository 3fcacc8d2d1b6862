"""Reacting and answering in threads through the page: two people at once, and one by the keyboard alone."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import expect

from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

BOAT = "Shall we paint the boat?"
LUNCH = "Lunch is at one."


@asynccontextmanager
async def aboard(stack: BackgroundStack, *names: str) -> AsyncIterator[list[Person]]:
    """These people at their pages, in a channel where the first of them has said two things."""
    async with people(stack, *names) as clients, browser() as chromium:
        workspace, general = await founded(*clients)
        for text in (BOAT, LUNCH):
            await clients[0].send(general, text)
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
            await person.reads(BOAT, LUNCH)
        yield persons


async def test_two_people_react_and_answer_in_a_thread(stack: BackgroundStack):
    async with aboard(stack, "Ada", "Ben") as (ada, ben):
        await ben.act(BOAT, "React with 👍")
        mine, theirs = ben.message(BOAT), ada.message(BOAT)
        await expect(mine.get_by_role("button", name="👍 you", pressed=True)).to_be_visible()
        await theirs.get_by_role("button", name="👍 1 person", pressed=False).click()
        await expect(mine.get_by_role("button", name="👍 2 people, including you")).to_be_visible()
        chip = theirs.get_by_role("button", name="👍 2 people, including you")
        await chip.hover()
        await expect(theirs.get_by_role("tooltip")).to_have_text("you and Ben")
        await chip.click()
        await expect(mine.get_by_role("button", name="👍 you", pressed=True)).to_be_visible()
        await ben.act(BOAT, "Add reaction")
        find = ben.page.get_by_role("combobox", name="Find an emoji")
        await find.fill("tada")
        await find.press("Enter")
        await expect(theirs.get_by_role("button", name="🎉 1 person")).to_be_visible()

        await ben.act(BOAT, "Reply in thread")
        await expect(ben.page).to_have_url(re.compile("/t/"))
        field = ben.page.get_by_role("form", name="Write a reply").get_by_role("textbox")
        await field.fill("Blue, I would say")
        await field.press("Enter")
        await ben.reads(BOAT, "Blue, I would say", among="Replies")
        await theirs.get_by_role("button", name="1 reply").click()
        await ada.reads(BOAT, "Blue, I would say", among="Replies")
        await ada.page.get_by_role("checkbox", name="Also send to #general").check()
        answer = ada.page.get_by_role("form", name="Write a reply").get_by_role("textbox")
        await answer.fill("Blue it is")
        await answer.press("Enter")
        for person in (ada, ben):
            await person.reads(BOAT, LUNCH, "Blue it is")
            await person.reads(BOAT, "Blue, I would say", "Blue it is", among="Replies")
            await expect(person.message(BOAT).get_by_role("button", name="2 replies")).to_be_visible()
        await expect(ada.page.get_by_role("checkbox", name="Also send to #general")).not_to_be_checked()

        await ben.choose("Blue, I would say", "Delete", among="Replies")
        await expect(ada.message("This message was deleted.", among="Replies")).to_be_visible()
        await expect(theirs.get_by_role("button", name="1 reply")).to_be_visible()

        await field.fill("Half a thought")
        await ben.page.go_back()
        panel = ben.page.get_by_role("complementary", name="Thread")
        await expect(panel).to_be_hidden()
        await expect(ben.page.get_by_role("form", name="Write a message").get_by_role("textbox")).to_have_value("")
        await ben.page.go_forward()
        await expect(field).to_have_value("Half a thought")
        assert (ada.complaints, ben.complaints) == ([], [])


async def test_a_reaction_and_a_thread_by_keyboard_alone(stack: BackgroundStack):
    async with aboard(stack, "Ada") as (ada,):
        keys, row = ada.page.keyboard, ada.message(BOAT)
        composer = ada.page.get_by_role("form", name="Write a message").get_by_role("textbox")
        await expect(composer).to_be_focused()
        await keys.press("Shift+Tab")
        await expect(ada.message(LUNCH)).to_be_focused()
        await keys.press("ArrowUp")
        await expect(row).to_be_focused()
        await keys.type("+")
        await expect(row.get_by_role("button", name="👍 you", pressed=True)).to_be_visible()
        await keys.type(":")
        await expect(ada.page.get_by_role("combobox", name="Find an emoji")).to_be_focused()
        await keys.type("rocket")
        await expect(ada.page.get_by_role("option", name="rocket", selected=True)).to_be_visible()
        await keys.press("Enter")
        await expect(row.get_by_role("button", name="🚀 you", pressed=True)).to_be_visible()
        await expect(row).to_be_focused()

        await keys.type("r")
        field = ada.page.get_by_role("form", name="Write a reply").get_by_role("textbox")
        await expect(field).to_be_focused()
        await keys.type("With what?")
        await keys.press("Enter")
        await ada.reads(BOAT, "With what?", among="Replies")
        await ada.reads(BOAT, LUNCH)
        await expect(field).to_be_focused()
        await keys.press("Escape")
        await expect(ada.page.get_by_role("complementary", name="Thread")).to_be_hidden()
        await expect(row).to_be_focused()
        await expect(row.get_by_role("button", name="1 reply")).to_be_visible()
        assert ada.complaints == []
