"""What one does to a message through the page: alone, before others' eyes, and by the keyboard."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from playwright.async_api import expect

from tertulia_client import Client
from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

BOAT = "Shall we paint the red boat?"
LUNCH = "Lunch is at one."
GONE = "This message was deleted."


@asynccontextmanager
async def ashore(stack: BackgroundStack, *names: str) -> AsyncGenerator[list[Person]]:
    """They at their pages, in a channel where the last of them has said two things. The first owns the workspace."""
    async with equipped(stack, *names) as (persons, _):
        yield persons


@asynccontextmanager
async def equipped(stack: BackgroundStack, *names: str) -> AsyncGenerator[tuple[list[Person], list[Client]]]:
    """The same, each with another device."""
    async with people(stack, *names) as clients, browser() as chromium:
        workspace, general = await founded(*clients)
        for text in (BOAT, LUNCH):
            await clients[-1].send(general, text)
        persons = [await Person.at(chromium, name, DESKTOP) for name in names]
        address = f"{stack.url}/w/{workspace.slug}/c/{general}"
        await asyncio.gather(
            *(
                person.sign_in(address, client.user.username, password_of(client.user.username))
                for person, client in zip(persons, clients, strict=True)
            )
        )
        for person in persons:
            await person.reads(BOAT, LUNCH)
        yield persons, clients
        assert [person.complaints for person in persons] == [[] for _ in persons]


async def test_an_edit_tells_what_was_said_before(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as (ada, ben):
        await ben.choose(BOAT, "Edit")
        editor = ben.page.get_by_role("textbox", name="Edit message")
        await editor.fill("Shall we paint the blue boat?")
        await editor.press("Enter")
        await ada.reads("Shall we paint the blue boat?", LUNCH)
        await ada.message("blue boat").get_by_role("button", name="(edited)").click()
        history = ada.page.get_by_role("dialog", name="Message history")
        change = history.get_by_role("list", name="Changes").get_by_role("listitem")
        await expect(change).to_contain_text("Ben edited this")
        await expect(change.get_by_role("deletion")).to_contain_text("red")
        await expect(change.get_by_role("insertion")).to_contain_text("blue")
        await ada.page.keyboard.press("Escape")
        await expect(history).to_be_hidden()


async def test_a_deleted_message_comes_back(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as (ada, ben):
        await ben.choose(BOAT, "Delete")
        await expect(ada.message(GONE)).to_be_visible()
        await expect(ben.message(GONE)).to_be_visible()
        await ben.page.get_by_role("status").get_by_role("button", name="Undo").click()
        for person in (ada, ben):
            await person.reads(BOAT, LUNCH)
        # The note is gone by then; the row itself still offers it.
        await ben.choose(LUNCH, "Delete")
        await ben.message(GONE).get_by_role("button", name="Undo").click()
        for person in (ada, ben):
            await person.reads(BOAT, LUNCH)


async def test_a_moderator_deletes_with_a_reason(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as (ada, ben):
        row = ben.message(BOAT)
        await row.click(button="right", position={"x": 400, "y": 8})
        await expect(ben.page.get_by_role("menuitem", name="Report")).to_be_hidden()
        await expect(ben.page.get_by_role("menuitem", name="Delete")).to_be_visible()
        await ben.page.keyboard.press("Escape")
        await expect(row).to_be_focused()

        await ada.choose(BOAT, "Report")
        report = ada.page.get_by_role("dialog", name="Report this message")
        await report.get_by_role("radio", name="Spam").check()
        await report.get_by_role("button", name="Send report").click()
        await expect(report).to_be_hidden()
        await ada.choose(BOAT, "Delete")
        dialog = ada.page.get_by_role("alertdialog", name="Delete this message?")
        await expect(dialog.get_by_role("button", name="Delete message")).to_be_disabled()
        await dialog.get_by_role("textbox", name="Reason").fill("We sold the boat")
        await dialog.get_by_role("button", name="Delete message").click()
        for person in (ada, ben):
            await expect(person.message(GONE)).to_be_visible()
        await expect(ben.message(GONE).get_by_role("button", name="Undo")).to_have_count(0)


async def test_a_message_by_the_keyboard_alone(stack: BackgroundStack):
    async with ashore(stack, "Ada") as (ada,):
        keys, row = ada.page.keyboard, ada.message(BOAT)
        await expect(ada.page.get_by_role("form", name="Write a message").get_by_role("textbox")).to_be_focused()
        await keys.press("Shift+Tab")
        await keys.press("ArrowUp")
        await expect(row).to_be_focused()
        await keys.type("s")
        await expect(row).to_have_accessible_name(re.compile("Saved"))
        await keys.press("Shift+P")
        await expect(row).to_have_accessible_name(re.compile("Pinned by you"))
        await keys.type("e")
        editor = ada.page.get_by_role("textbox", name="Edit message")
        await expect(editor).to_be_focused()
        await editor.fill("Shall we paint the blue boat?")
        await keys.press("Enter")
        row = ada.message("blue boat")
        await expect(row).to_be_focused()
        await keys.press("Shift+H")
        await expect(ada.page.get_by_role("dialog", name="Message history")).to_contain_text("Ada edited this")
        await keys.press("Escape")
        await expect(row).to_be_focused()
        await keys.type("i")
        await expect(ada.page.get_by_role("menuitem", name="Reply in thread")).to_be_focused()
        await keys.press("Escape")
        await expect(row).to_be_focused()
        await keys.type("i")
        await keys.press("ArrowDown")
        await expect(ada.page.get_by_role("menuitem", name="Quote")).to_be_focused()
        await keys.press("Enter")
        await expect(ada.page.get_by_role("group", name="Quoted in your message")).to_contain_text("blue boat")
        await expect(ada.page.get_by_role("form", name="Write a message").get_by_role("textbox")).to_be_focused()
        await keys.press("Shift+Tab")
        await keys.press("Enter")
        await expect(ada.page.get_by_role("group", name="Quoted in your message")).to_be_hidden()
        await row.focus()
        await keys.press("Delete")
        await expect(ada.message(GONE)).to_be_focused()
        # Past the author's name, which opens who they are.
        await keys.press("Tab")
        await keys.press("Tab")
        await expect(ada.message(GONE).get_by_role("button", name="Undo")).to_be_focused()
        await keys.press("Enter")
        await ada.reads("Shall we paint the blue boat?", LUNCH)


async def test_pins_are_everybodys(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as (ada, ben):
        await ben.choose(BOAT, "Pin to the conversation")
        await expect(ada.message(BOAT)).to_contain_text("Pinned by Ben")
        await ada.page.get_by_role("button", name="1 pinned message").click()
        panel = ada.page.get_by_role("complementary", name="Pinned messages")
        pinned = panel.get_by_role("list", name="Pinned messages").get_by_role("listitem")
        await expect(pinned).to_contain_text(BOAT)
        await ben.choose(LUNCH, "Pin to the conversation")
        await expect(pinned).to_have_count(2)
        await pinned.filter(has_text=BOAT).get_by_role("link").click()
        await expect(ada.page).to_have_url(re.compile("/m/"))
        await pinned.filter(has_text=BOAT).get_by_role("button", name="Unpin").click()
        await expect(pinned).to_have_count(1)
        await expect(ben.page.get_by_role("button", name="1 pinned message")).to_be_visible()
        await expect(ben.message(BOAT)).not_to_contain_text("Pinned")
        await panel.get_by_role("button", name="Close pinned messages").click()
        await expect(panel).to_be_hidden()


async def test_what_is_saved_is_found_again_and_comes_back_in_time(stack: BackgroundStack):
    async with equipped(stack, "Ada", "Ben") as ((ada, _), (device, _)):
        page = ada.page
        await ada.act(BOAT, "Save for later")
        await expect(ada.message(BOAT)).to_contain_text("Saved")
        await ada.choose(BOAT, "Remind me")
        dialog, keys = page.get_by_role("dialog", name="Remind me"), page.keyboard
        day = dialog.get_by_role("spinbutton", name="day")
        await dialog.get_by_role("button", name="Calendar").press("Enter")
        calendar = page.get_by_role("dialog", name="Calendar")
        for key in ("PageDown", "Home", "ArrowRight"):
            await keys.press(key)
        chosen = await page.evaluate("document.activeElement.dataset.value")
        await keys.press("Enter")
        await expect(calendar).to_be_hidden()
        await expect(day).to_have_attribute("aria-valuenow", str(int(chosen[8:10])))
        await day.press("ArrowUp")
        await expect(day).not_to_have_attribute("aria-valuenow", str(int(chosen[8:10])))
        await keys.press("Escape")
        await expect(dialog).to_be_hidden()

        await ada.choose(BOAT, "Remind me")
        await dialog.get_by_role("button", name="In 20 minutes").click()
        await expect(page.get_by_role("status").filter(has_text="Reminder set")).to_be_visible()

        await page.get_by_role("navigation", name="Conversations").get_by_role("link", name="Saved").click()
        later = page.get_by_role("main", name="Saved")
        saved = later.get_by_role("list", name="Messages").get_by_role("listitem")
        await expect(saved).to_contain_text(BOAT)
        await expect(saved).to_contain_text("#general")
        await saved.get_by_role("button", name="Remove from saved").click()
        await expect(page.get_by_role("heading", name="Nothing saved yet")).to_be_visible()

        await page.get_by_role("link", name="Reminders").click()
        await expect(page.get_by_role("list", name="Coming up").get_by_role("listitem")).to_contain_text(BOAT)
        [home] = await device.workspaces.mine()
        [one] = [one async for one in device.attention.reminders(home.workspace.id)]
        await device.attention.snooze(one.reminder.id, datetime.now(UTC))
        notice = page.get_by_role("status").filter(has_text=f"Reminder: {BOAT}")
        await expect(page.get_by_role("list", name="Due").get_by_role("listitem")).to_contain_text(BOAT)
        await expect(page.get_by_role("link", name="Saved, 1 reminder due")).to_be_visible()
        await page.get_by_role("button", name="Done").click()
        await expect(page.get_by_role("heading", name="No reminders")).to_be_visible()
        await notice.get_by_role("button", name="Show").click()
        await ada.in_channel("general")
        await expect(ada.message(BOAT)).to_be_visible()


async def test_a_message_is_quoted_and_forwarded(stack: BackgroundStack):
    async with ashore(stack, "Ada", "Ben") as (ada, ben):
        await ada.choose(BOAT, "Quote")
        quoting = ada.page.get_by_role("group", name="Quoted in your message")
        await expect(quoting).to_contain_text(BOAT)
        await expect(ada.page.get_by_role("form", name="Write a message").get_by_role("textbox")).to_be_focused()
        await ada.write("Yes, on Sunday")
        await expect(quoting).to_be_hidden()
        answer = ben.message("Yes, on Sunday")
        await expect(answer.get_by_role("blockquote")).to_contain_text(BOAT)
        await answer.get_by_role("blockquote").get_by_role("link").click()
        await expect(ben.page).to_have_url(re.compile("/m/"))

        await ada.start_dm("Ben")
        await ada.open("general")
        await ada.choose(LUNCH, "Forward")
        dialog = ada.page.get_by_role("dialog", name="Forward message")
        await dialog.get_by_role("textbox", name="Find a conversation").fill("ben")
        await dialog.get_by_role("radio", name="Ben").check()
        await dialog.get_by_role("textbox", name="Add a note").fill("For you")
        await dialog.get_by_role("button", name="Forward").click()
        await expect(dialog).to_be_hidden()
        await ben.open("Ada")
        await ben.reads("For you", LUNCH)
        forwarded = ben.message(LUNCH)
        await expect(forwarded).to_contain_text("Forwarded from Ben in #general")
        await forwarded.get_by_role("link").click()
        await ben.in_channel("general")
