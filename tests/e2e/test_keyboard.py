"""By keys alone: the palette, the parts of the page, keys of one's own, and a reply from the log-in on."""

import re

from playwright.async_api import expect

from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

HELLO = "Hello from the keyboard"


async def test_from_the_log_in_to_a_reply_without_a_mouse(stack: BackgroundStack):
    async with people(stack, "Ada") as (client,), browser() as chromium:
        workspace, general = await founded(client)
        await client.send(general, HELLO)
        ada = await Person.at(chromium, "Ada", DESKTOP)
        page, keys = ada.page, ada.page.keyboard
        await page.goto(f"{stack.url}/w/{workspace.slug}/c/{general}")
        await expect(page.get_by_role("textbox", name="Email or username")).to_be_focused()
        await keys.type(client.user.username)
        await keys.press("Tab")
        await keys.type(password_of(client.user.username))
        await keys.press("Enter")
        await ada.reads(HELLO)
        composer = page.get_by_role("form", name="Write a message").get_by_role("textbox")
        await expect(composer).to_be_focused()

        await keys.press("Shift+F6")
        await expect(ada.message(HELLO)).to_be_focused()
        await keys.press("r")
        await expect(page.get_by_role("form", name="Write a reply").get_by_role("textbox")).to_be_focused()
        await keys.type("And one back")
        await keys.press("Enter")
        await ada.reads(HELLO, "And one back", among="Replies")
        await keys.press("Escape")
        await expect(page.get_by_role("complementary", name="Thread")).to_be_hidden()
        await expect(ada.message(HELLO)).to_be_focused()
        assert ada.complaints == []


async def test_the_palette_leads_anywhere_and_runs_actions(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as clients, browser() as chromium:
        workspace, general = await founded(*clients)
        client = clients[0]
        ada = await Person.at(chromium, "Ada", DESKTOP)
        page, keys = ada.page, ada.page.keyboard
        await ada.sign_in(
            f"{stack.url}/w/{workspace.slug}/c/{general}", client.user.username, password_of(client.user.username)
        )
        await ada.in_channel("general")
        field = page.get_by_role("combobox", name="Jump to or run")
        await keys.press("Control+k")
        await expect(field).to_be_focused()
        await expect(page.get_by_role("option", name="general", selected=True)).to_be_visible()
        await keys.type("@ben")
        await expect(page.get_by_role("option", name=re.compile("Ben"), selected=True)).to_be_visible()
        await keys.press("Enter")
        await ada.in_channel("Ben")

        await keys.press("Control+k")
        await keys.type(">theme dark")
        await keys.press("Enter")
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        await expect(field).to_be_hidden()

        await keys.press("Control+k")
        await keys.type("nothing is called this")
        await expect(page.get_by_role("status").filter(has_text="Nothing is called that.")).to_be_visible()
        await keys.press("Escape")
        await expect(page.get_by_role("form", name="Write a message").get_by_role("textbox")).to_be_focused()

        await keys.press("Control+/")
        sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
        await sheet.get_by_role("textbox", name="Find a shortcut").fill("right panel")
        await expect(sheet.get_by_role("term")).to_have_text(["Show or hide the right panel"])
        await keys.press("Escape")
        await keys.press("Control+.")
        await expect(page.get_by_role("complementary", name="Channel details")).to_be_visible()
        await keys.press("Escape")
        await expect(page.get_by_role("complementary", name="Channel details")).to_be_hidden()
        assert ada.complaints == []


async def test_keys_of_ones_own(stack: BackgroundStack):
    async with people(stack, "Ada") as (client,), browser() as chromium:
        workspace, general = await founded(client)
        await client.send(general, HELLO)
        ada = await Person.at(chromium, "Ada", DESKTOP)
        page, keys = ada.page, ada.page.keyboard
        username = client.user.username
        await ada.sign_in(f"{stack.url}/settings/keyboard", username, password_of(username))
        find = page.get_by_role("textbox", name="Find a shortcut")
        await find.fill("jump")
        await page.get_by_role("button", name="Jump to anything, run an action: Ctrl K. Change keys").click()
        await keys.press("Control+j")
        await expect(page.get_by_role("button", name=re.compile("run an action: Ctrl J"))).to_be_visible()
        # A row and the field have keys of their own, and a text keeps its letters.
        await find.fill("edit")
        await page.get_by_role("button", name="Edit: E. Change keys").click()
        await keys.press("w")
        await expect(page.get_by_role("button", name="Edit: W. Change keys")).to_be_visible()
        await find.fill("bold")
        await page.get_by_role("button", name="Bold: Ctrl B. Change keys").click()
        await keys.press("b")
        await expect(page.get_by_role("status").filter(has_text="these keys belong to the text")).to_be_visible()
        await page.get_by_role("button", name="Bold: Ctrl B. Change keys").click()
        await keys.press("Alt+b")
        await expect(page.get_by_role("button", name="Bold: Alt B. Change keys")).to_be_visible()
        await page.goto(f"{stack.url}/w/{workspace.slug}/c/{general}")
        await ada.in_channel("general")
        await keys.press("Control+j")
        await expect(page.get_by_role("combobox", name="Jump to or run")).to_be_focused()
        await keys.press("Escape")
        await page.get_by_role("form", name="Write a message").get_by_role("textbox").press("Shift+F6")
        await expect(ada.message(HELLO)).to_be_focused()
        await keys.press("w")
        editor = page.get_by_role("textbox", name="Edit message")
        await expect(editor).to_be_focused()
        await keys.press("Control+a")
        await keys.press("Alt+b")
        await expect(editor).to_have_value(f"**{HELLO}**")
        await keys.press("Escape")
        # Who speaks to their computer wants no letters to act.
        await page.goto(f"{stack.url}/settings/keyboard")
        await page.get_by_role("switch", name="Single letters act on messages").click()
        await expect(page.get_by_text("Shortcuts of a single character are switched off.")).to_be_visible()
        await page.goto(f"{stack.url}/w/{workspace.slug}/c/{general}")
        row = ada.message(HELLO)
        await row.focus()
        await keys.press("w")
        await keys.press("Delete")
        await expect(ada.message("This message was deleted.")).to_be_visible()
        await expect(editor).to_have_count(0)
        assert ada.complaints == []
