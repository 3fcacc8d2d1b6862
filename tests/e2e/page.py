"""A person at the page: what they do, by the roles and names that a screen reader would tell them."""

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, async_playwright, expect

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
]
PATIENCE_MS = 15_000
"""For what one does and for what one sees: the machine may have servers to start again meanwhile."""
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

expect.set_options(timeout=PATIENCE_MS)


class OneBrowser:
    """Debian's Chromium, which looks nothing up on the network by itself. Starting it takes as long as many a journey,
    so the journeys of a run share it: what they open in it is closed behind each."""

    def __init__(self) -> None:
        self._exits = AsyncExitStack()
        self._chromium: Browser | None = None

    async def chromium(self) -> Browser:
        if self._chromium is None or not self._chromium.is_connected():
            await self.close()
            playwright = await self._exits.enter_async_context(async_playwright())
            self._chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            self._exits.push_async_callback(self._chromium.close)
        return self._chromium

    async def close(self) -> None:
        self._chromium = None
        await self._exits.aclose()


ONE = OneBrowser()


@asynccontextmanager
async def browser() -> AsyncGenerator[Browser]:
    """For the contexts of one journey."""
    chromium = await ONE.chromium()
    others = list(chromium.contexts)
    try:
        yield chromium
    finally:
        for context in chromium.contexts:
            if context not in others:
                await context.close()


@dataclass
class Person:
    """One browser context: its cookies and storage are nobody else's."""

    name: str
    page: Page
    complaints: list[str] = field(default_factory=list)
    """What the console called an error, and exceptions that nobody caught."""

    @classmethod
    async def at(cls, browser: Browser, name: str, viewport: dict[str, int]) -> "Person":
        context = await browser.new_context(viewport=viewport, locale="en-GB", timezone_id="Europe/Madrid")  # pyright: ignore[reportArgumentType]
        context.set_default_timeout(PATIENCE_MS)
        person = cls(name, await context.new_page())
        person.page.on("console", person._note)
        person.page.on("pageerror", lambda error: person.complaints.append(str(error)))
        return person

    def _note(self, message: ConsoleMessage) -> None:
        # Chromium reports every answer of 400 and above; the first look for a session is answered by a 401.
        if message.type == "error" and "401" not in message.text:
            self.complaints.append(message.text)

    async def register(self) -> str:
        """The user name."""
        page = self.page
        await page.get_by_role("textbox", name="Display name").fill(self.name)
        username = f"{self.name.split()[0].lower()}-{secrets.token_hex(3)}"
        await page.get_by_role("textbox", name="Username").fill(username)
        await page.get_by_role("textbox", name="Email").fill(f"{username}@example.org")
        await page.get_by_label("Password", exact=True).fill("correct horse battery")
        await page.get_by_role("button", name="Create account").click()
        return username

    async def sign_in(self, address: str, username: str, password: str) -> None:
        """And be where the address leads."""
        await self.page.goto(address)
        await self.page.get_by_role("textbox", name="Email or username").fill(username)
        await self.page.get_by_label("Password", exact=True).fill(password)
        await self.page.get_by_role("button", name="Log in").click()

    async def found_workspace(self, name: str) -> None:
        await self.page.get_by_role("textbox", name="Workspace name").fill(name)
        await self.page.get_by_role("button", name="Create workspace").click()
        await self.in_channel("general")

    async def invitation(self, workspace: str) -> str:
        page = self.page
        await page.get_by_role("button", name=f"{workspace} menu").click()
        await page.get_by_role("menuitem", name="Invite people").click()
        link = page.get_by_role("textbox", name="Invitation link")
        await expect(link).to_have_value(re.compile("/join/."))
        value = await link.input_value()
        await page.keyboard.press("Escape")
        return value

    async def in_channel(self, name: str) -> None:
        await expect(self.page.get_by_role("heading", level=1, name=name)).to_be_visible()

    async def open(self, conversation: str) -> None:
        sidebar = self.page.get_by_role("navigation", name="Conversations")
        await sidebar.get_by_role("link", name=conversation).click()
        await self.in_channel(conversation)

    async def start_dm(self, other: str) -> None:
        page = self.page
        await page.get_by_role("button", name="New message").click()
        dialog = page.get_by_role("dialog", name="New message")
        await dialog.get_by_role("button", name=other).click()
        await dialog.get_by_role("button", name="Start conversation").click()
        await self.in_channel(other)

    async def write(self, text: str, *, by_button: bool = False) -> None:
        composer = self.page.get_by_role("form", name="Write a message").get_by_role("textbox")
        await composer.fill(text)
        if by_button:
            await self.page.get_by_role("button", name="Send message").click()
        else:
            await composer.press("Enter")

    async def reads(self, *texts: str, among: str = "Messages") -> None:
        """Exactly these messages are there, in this order."""
        rows = self.page.get_by_role("list", name=among).locator("li .prose")
        await expect(rows).to_have_text(list(texts), timeout=30_000)

    def message(self, text: str, among: str = "Messages") -> Locator:
        """The row of the message that says this."""
        return self.page.get_by_role("list", name=among).get_by_role("listitem").filter(has_text=text)

    async def act(self, text: str, action: str, among: str = "Messages") -> None:
        """By the mouse: a button of the row's toolbar."""
        row = self.message(text, among)
        await row.hover()
        await row.get_by_role("group", name="Message actions").get_by_role("button", name=action).click()

    async def pick(self, field: str, option: str, part: Locator | None = None) -> None:
        """One of a list that a field opens, in this part of the page or anywhere."""
        await (part or self.page).get_by_role("combobox", name=field, exact=True).click()
        await self.page.get_by_role("option", name=option, exact=True).click()

    async def write_date(self, field: Locator, at: date) -> None:
        """Written into a field for a date, part by part; for one with a time, `at` has it."""
        # The day last: how many a month has is known then.
        parts = {"year": f"{at:%Y}", "month": f"{at:%m}", "day": f"{at:%d}"}
        if isinstance(at, datetime):
            parts |= {"hour": f"{at:%H}", "minute": f"{at:%M}"}
        for name, digits in parts.items():
            await field.get_by_role("spinbutton", name=name).press_sequentially(digits)

    async def choose(self, text: str, item: str, among: str = "Messages") -> None:
        """By the mouse: an item of the row's menu."""
        row = self.message(text, among)
        await row.hover()
        await row.get_by_role("group", name="Message actions").get_by_role("button", name="More actions").click()
        await self.page.get_by_role("menuitem", name=item).click()

    async def until(self, holds: str, argument: object = None) -> None:
        """A function of the page's, which may be asynchronous: `wait_for_function` takes any promise for a yes."""
        script = f"""async (argument) => {{
            const holds = {holds}
            while (!(await holds(argument))) await new Promise((resolve) => setTimeout(resolve, 50))
        }}"""
        await asyncio.wait_for(self.page.evaluate(script, argument), 30)
