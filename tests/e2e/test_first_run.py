"""A server where nobody is yet: from the address that `make up` prints to a conversation. It has a stack of its own."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[BackgroundStack]:
    """Without search and analytics: it is ready sooner, and nobody looks for anything."""
    stack = BackgroundStack(tmp_path / "data", env={"RATE_LIMITS": "off", "MAX_ANSWER_TOKENS": "40"})
    try:
        stack.start("--without", "search", "--without", "analytics")
        yield stack
    finally:
        stack.stop()


async def test_from_an_empty_server_to_a_conversation(empty: BackgroundStack):
    async with browser() as chromium:
        ada = await Person.at(chromium, "Ada Lovelace", DESKTOP)
        page = ada.page
        await page.goto(empty.url)
        await expect(page.get_by_role("heading", name="Welcome to Tertulia")).to_be_visible()
        steps = page.get_by_role("list", name="First steps")
        await expect(steps.locator("[aria-current=step]")).to_contain_text("Account")
        await ada.register()
        await expect(steps.locator("[aria-current=step]")).to_contain_text("Workspace")

        # In the middle of it the page is loaded again: it goes on where it was.
        await page.reload()
        await page.goto(f"{empty.url}/welcome")
        await page.get_by_role("textbox", name="Workspace name").fill("Engine Room")
        await expect(page.get_by_role("checkbox", name="Fill it with examples")).to_be_checked()
        await page.get_by_role("button", name="Create workspace").click()
        await expect(page.get_by_role("textbox", name="Invitation link")).to_have_value(re.compile("/join/."))
        await page.get_by_role("button", name="Start talking").click()

        await ada.in_channel("general")
        hints = page.get_by_role("region", name="Try this first")
        await expect(hints).to_contain_text("/ask")
        await ada.write("We are here")
        await ada.reads("We are here")
        await hints.get_by_role("button", name="Hide these hints").click()
        await expect(hints).to_be_hidden()

        await ada.open("example-launch")
        await expect(page.get_by_text("This channel is an example.")).to_be_visible()
        await expect(page.get_by_role("button", name="1 reply")).to_be_visible()

        # Whoever comes later meets the ordinary log-in.
        ben = await Person.at(chromium, "Ben", DESKTOP)
        await ben.page.goto(empty.url)
        await expect(ben.page.get_by_role("button", name="Log in")).to_be_visible()
        await ben.page.goto(f"{empty.url}/welcome")
        await expect(ben.page.get_by_role("button", name="Log in")).to_be_visible()
        assert (ada.complaints, ben.complaints) == ([], [])
