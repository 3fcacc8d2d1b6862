"""Writing through the page: names, drafts that follow, messages sent later, the keyboard, and how texts are drawn."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.async_api import Dialog, Locator, Request, expect

from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

HELLO = "Good morning."
CORPUS = Path(__file__).parents[2] / "web" / "src" / "ui" / "xss.corpus.json"
MADRID = ZoneInfo("Europe/Madrid")


@asynccontextmanager
async def talking(
    stack: BackgroundStack, *names: str, devices: int = 1, silent: int = 0
) -> AsyncGenerator[list[Person]]:
    """These people in a channel where the first has said one thing; the first of them on so many devices.

    And some who are members and not at their pages.
    """
    async with people(stack, *names, *(f"Silent{n}" for n in range(silent))) as everybody, browser() as chromium:
        workspace, general = await founded(*everybody)
        clients = everybody[: len(names)]
        await clients[0].send(general, HELLO)
        there = [clients[0]] * devices + clients[1:]
        persons = [await Person.at(chromium, client.user.display_name, DESKTOP) for client in there]
        address = f"{stack.url}/w/{workspace.slug}/c/{general}"
        users = [client.user.username for client in there]
        await asyncio.gather(
            *(
                person.sign_in(address, username, password_of(username))
                for person, username in zip(persons, users, strict=True)
            )
        )
        for person in persons:
            await person.reads(HELLO)
        yield persons
        assert [person.complaints for person in persons] == [[] for _ in persons]


def composer(person: Person) -> Locator:
    return person.page.get_by_role("form", name="Write a message").get_by_role("textbox")


async def test_a_name_is_completed_and_its_person_sees_it(stack: BackgroundStack):
    async with talking(stack, "Ada", "Ben", silent=4) as (ada, ben):
        field, keys = composer(ada), ada.page.keyboard
        await field.press_sequentially("Look @be")
        listed = ada.page.get_by_role("listbox", name="People")
        await expect(listed.get_by_role("option", name="Ben", selected=True)).to_be_visible()
        await keys.press("Enter")
        await expect(field).to_have_value(re.compile(r"^Look @ben\S* $"))
        await keys.type("in #gen")
        listed = ada.page.get_by_role("listbox", name="Channels")
        await expect(listed.get_by_role("option", name="#general")).to_be_visible()
        await keys.press("Tab")
        await keys.type(":tada")
        listed = ada.page.get_by_role("listbox", name="Emoji")
        await expect(listed.get_by_role("option", name=":tada:")).to_be_visible()
        await keys.press("Enter")
        await keys.press("Enter")
        await expect(field).to_have_value("")
        for person in (ada, ben):
            await person.reads(HELLO, "Look @Ben in #general 🎉")
        mine = ben.message("Look").locator(".mention.mine")
        await expect(mine).to_have_text("@Ben")
        await expect(ada.message("Look").locator(".mention.mine")).to_have_count(0)
        await ada.message("Look").get_by_role("link", name="#general").click()
        await ada.in_channel("general")

        await ada.choose("Look", "Edit")
        editor = ada.page.get_by_role("textbox", name="Edit message")
        await expect(editor).to_have_value(re.compile(r"^Look @ben\S* in #general 🎉$"))
        await editor.press("Escape")

        await field.press_sequentially("As in [[good mor")
        listed = ada.page.get_by_role("listbox", name="Messages")
        await expect(listed.get_by_role("option", selected=True)).to_contain_text(HELLO)
        await keys.press("Enter")
        await expect(field).to_have_value(re.compile(r"^As in http\S+/m/\S+ $"))
        await keys.press("Enter")
        reference = ben.message("As in").get_by_role("link", name=f"Ada in #general: {HELLO}")
        await expect(reference).to_have_attribute("href", re.compile("/m/"))

        await field.fill("@here, who has the key?")
        await keys.press("Enter")
        asked = ada.page.get_by_role("alertdialog", name="Notify 5 people?")
        # Ben's page has said where he is, the others came without one.
        await expect(asked).to_contain_text("They are in 1 time zone.")
        await keys.press("Escape")
        await expect(field).to_have_value("@here, who has the key?")
        await field.press("Enter")
        await asked.get_by_role("button", name="Send and notify").click()
        await expect(ben.message("who has the key?").locator(".mention.mine")).to_have_text("@here")

        # So is whoever puts it off, or makes an older message call them.
        await field.fill("@channel, soup at one")
        await ada.page.get_by_role("button", name="Send later").click()
        await ada.page.get_by_role("menuitem", name="Tomorrow at 9:00").click()
        await asked.get_by_role("button", name="Cancel").click()
        await expect(field).to_have_value("@channel, soup at one")
        await ada.page.get_by_role("button", name="Send later").click()
        await ada.page.get_by_role("menuitem", name="Tomorrow at 9:00").click()
        await asked.get_by_role("button", name="Schedule and notify then").click()
        await expect(ada.page.get_by_text("Will be sent")).to_be_visible()
        await expect(field).to_have_value("")
        await ada.choose("As in", "Edit")
        await editor.press("End")
        await editor.press_sequentially(" @channel, look")
        await keys.press("Enter")
        await asked.get_by_role("button", name="Save and notify").click()
        await expect(ben.message("As in").locator(".mention.mine")).to_have_text("@channel")

        await field.fill("/nonsense at all")
        await keys.press("Enter")
        await expect(ada.page.get_by_role("region", name="Only you can see this")).to_be_visible()
        await expect(field).to_have_value("/nonsense at all")
        # The refusal is an answer of 4xx, which the console tells of.
        ada.complaints.clear()


async def test_a_draft_is_on_every_device_until_it_is_deleted(stack: BackgroundStack):
    async with talking(stack, "Ada", devices=2) as (desk, phone):
        await composer(desk).press_sequentially("Half a thought")
        await expect(composer(phone)).to_have_value("Half a thought")
        await composer(phone).press_sequentially(", and more")
        await expect(composer(phone)).to_have_value("Half a thought, and more")
        # The desk wrote last in its own field: what the other device made of it shows once that field is left.
        await desk.page.get_by_role("heading", level=1, name="general").click()
        await expect(composer(desk)).to_have_value("Half a thought, and more")

        await desk.page.get_by_role("link", name="Drafts and sent later").click()
        drafts = desk.page.get_by_role("list", name="Drafts")
        draft = drafts.get_by_role("listitem").filter(has_text="Half a thought, and more")
        await draft.get_by_role("button", name="Delete").click()
        await expect(desk.page.get_by_text("No drafts")).to_be_visible()
        await desk.page.get_by_role("button", name="Undo").click()
        await draft.get_by_role("link", name="Go on writing").click()
        await composer(desk).press("Enter")
        for person in (desk, phone):
            await person.reads(HELLO, "Half a thought, and more")
        await phone.page.get_by_role("heading", level=1, name="general").click()
        await expect(composer(phone)).to_have_value("")


async def test_a_message_is_sent_later_than_it_was_written(stack: BackgroundStack):
    async with talking(stack, "Ada", "Ben") as (ada, ben):
        page = ada.page
        await composer(ada).fill("Lunch?")
        await page.get_by_role("button", name="Send later").click()
        await page.get_by_role("menuitem", name="Tomorrow at 9:00").click()
        await expect(page.get_by_text("Will be sent")).to_be_visible()
        await expect(composer(ada)).to_have_value("")
        await page.get_by_role("button", name="Send later").click()
        await page.get_by_role("menuitem", name="Show scheduled messages").click()
        row = page.get_by_role("list", name="Scheduled messages").get_by_role("listitem")
        await expect(row).to_contain_text("Lunch?")
        await row.get_by_role("button", name="Edit or reschedule").click()
        dialog = page.get_by_role("dialog", name="Edit scheduled message")
        await dialog.get_by_role("textbox", name="Message").fill("Dinner, @ben?")
        soon = datetime.now(MADRID) + timedelta(seconds=30)
        await ada.write_date(dialog.get_by_role("group", name="Send at"), soon)
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_be_hidden()
        await ben.reads(HELLO, "Dinner, @ben?")
        await expect(page.get_by_text("Nothing is scheduled")).to_be_visible()


async def test_writing_by_the_keyboard(stack: BackgroundStack):
    async with talking(stack, "Ada", "Ben") as (ada, ben):
        field, keys = composer(ada), ada.page.keyboard
        await ben.write("And good evening.")
        await ada.reads(HELLO, "And good evening.")
        await field.press("ArrowUp")
        editor = ada.page.get_by_role("textbox", name="Edit message")
        await expect(editor).to_be_focused()
        await expect(editor).to_have_value(HELLO)
        await keys.type(" Or not.")
        await keys.press("Escape")
        await expect(field).to_be_focused()
        await ada.reads(HELLO, "And good evening.")
        await keys.press("ArrowUp")
        await expect(editor).to_be_focused()
        await keys.press("Control+a")
        await keys.press("Control+b")
        await keys.press("Enter")
        for person in (ada, ben):
            await expect(person.message("Good morning.").locator("strong")).to_have_text("Good morning.")
        await expect(field).to_be_focused()

        await keys.type("see the plan")
        await keys.press("Shift+Control+ArrowLeft")
        await field.evaluate(
            """(field) => {
              const data = new DataTransfer()
              data.setData('text/plain', 'https://example.org/plan')
              field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
            }"""
        )
        await expect(field).to_have_value("see the [plan](https://example.org/plan)")
        await field.evaluate(
            """(field) => {
              const data = new DataTransfer()
              data.setData('text/plain', 'one two')
              data.setData('text/html', '<p style="color:red"><b>one</b> <em>two</em></p><ul><li>three</li></ul>')
              field.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
            }"""
        )
        await expect(field).to_have_value(re.compile(r"\*\*one\*\* \*two\*\n\n-\s+three$"))
        await ada.page.get_by_role("button", name="Formatting").click()
        await ada.page.get_by_role("button", name="Preview").click()
        await expect(ada.page.get_by_role("form", name="Write a message").locator("strong")).to_have_text("one")
        await ada.page.get_by_role("button", name="Preview").click()
        await keys.press("Control+a")
        await keys.press("Delete")
        await keys.press("Shift+ArrowUp")
        await expect(ada.page.get_by_role("form", name="Write a reply").get_by_role("textbox")).to_be_focused()
        await ada.reads("And good evening.", among="Replies")


TEXT = """```python
def area(r):
    return 3.14 * r ** 2
```

- [x] measured
- [ ] written down

|circle|area|
|-|-|
|one|$$\\frac{1}{2}$$|

The end: ||it is round||

```mermaid
flowchart LR
  accTitle: How it goes
  A[Measure] --> B[Write down]
```

```mermaid
flowchart nonsense
```"""


async def test_texts_are_drawn_and_harm_nobody(stack: BackgroundStack):
    async with talking(stack, "Ada") as (ada,):
        dialogs: list[Dialog] = []
        elsewhere: list[Request] = []

        def noted(dialog: Dialog) -> None:
            dialogs.append(dialog)

        def watched(request: Request) -> None:
            if not request.url.startswith((stack.url, "data:")):
                elsewhere.append(request)

        ada.page.on("dialog", noted)
        ada.page.on("request", watched)
        await composer(ada).fill(TEXT)
        await composer(ada).press("Enter")
        row = ada.message("measured")
        await expect(row.locator(".code-keyword").first).to_have_text("def")
        await expect(row.locator("math mfrac")).to_be_visible()
        await expect(row.get_by_role("cell", name="one")).to_be_visible()
        await expect(row.get_by_text("☑ measured")).to_be_visible()
        code = row.locator(".code-block").first
        await code.hover()
        await code.get_by_role("button", name="Wrap lines").click()
        await expect(code.get_by_role("button", name="Wrap lines", pressed=True)).to_be_visible()
        await code.get_by_role("button", name="Copy code").click()
        await expect(code.get_by_role("button", name="Copied")).to_be_visible()
        diagram = row.get_by_role("img", name="Diagram: How it goes")
        await diagram.hover()
        await row.get_by_role("button", name="Show source").click()
        await expect(row.get_by_text("A[Measure] --> B[Write down]")).to_be_visible()
        await expect(row.get_by_text("This diagram cannot be drawn.")).to_be_visible()
        spoiler = row.get_by_role("button", name="Spoiler: show it")
        await spoiler.focus()
        await ada.page.keyboard.press("Enter")
        await expect(spoiler).to_have_count(0)
        await expect(row.get_by_text("it is round")).to_be_visible()

        assert ada.complaints == []
        await ada.page.evaluate(
            """() => {
              const refused = window.refused = []
              document.addEventListener('securitypolicyviolation', (told) => refused.push(told.violatedDirective))
            }"""
        )
        payloads: list[str] = json.loads(CORPUS.read_text())
        for at in range(0, len(payloads), 64):
            await composer(ada).fill(f"Harmful {at}\n\n" + "\n\n".join(payloads[at : at + 64]))
            await composer(ada).press("Enter")
            await expect(ada.message(f"Harmful {at}").get_by_role("time").first).to_be_visible()
        await expect(ada.page.locator(".diagram-wait")).to_have_count(0)
        await expect(ada.page.locator("img.diagram").nth(1)).to_be_visible()
        harmful = await ada.page.evaluate(
            """() => [...document.querySelectorAll('.prose *:not(img.diagram)')].filter((element) =>
              element.matches('script, img, style, iframe, form, input, object, embed, svg')
              || [...element.attributes].some(({ name, value }) =>
                /^(on|style$|src)/.test(name) || (name === 'href' && !/^(https?|mailto|xmpp|matrix):/.test(value)))
            ).map((element) => element.outerHTML)"""
        )
        assert (harmful, dialogs) == ([], [])
        # One diagram wants a picture from elsewhere: the policy of the frame lets no request out.
        assert [request.url for request in elsewhere if request.failure != "csp"] == []
        # In the page nothing was even tried. The frame's policy had to refuse some of it, and says so.
        assert await ada.page.evaluate("window.refused") == []
        # One names a person who does not exist, and whom the page asks for.
        ada.complaints = [
            told for told in ada.complaints if "404" not in told and "Content Security Policy" not in told
        ]
