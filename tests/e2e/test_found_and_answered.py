"""What one person says in the browser is found by another, answered from by the bot, and counted; also through kills.

`TERTULIA_SCREENSHOTS=<folder>` keeps the pictures there; otherwise they go where pytest keeps its temporary files.
"""

import asyncio
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, expect

from tertulia_stack.background import BackgroundStack

from .faults import kill, until_ready
from .page import DESKTOP, Person, browser

FACT = "The lighthouse keeper of Skerry is called Wilhelmina."
FERRY = "The ferry leaves at six, see #general 🎉"
ANSWER_MS = 120_000
COUNTED_S = 60
INDEXED_S = 60
PARTS = ("search", "bot", "analytics")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("TERTULIA_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@asynccontextmanager
async def two_people(
    chromium: Browser, stack: BackgroundStack, workspace: str
) -> AsyncGenerator[tuple[Person, Person]]:
    """Ada founded the workspace and Ben came by her invitation; both look at its `general`."""
    ada = await Person.at(chromium, "Ada Lovelace", DESKTOP)
    ben = await Person.at(chromium, "Ben Okri", DESKTOP)
    await ada.page.goto(f"{stack.url}/register")
    await ada.register()
    await ada.found_workspace(workspace)
    await ben.page.goto(await ada.invitation(workspace))
    await ben.page.get_by_role("button", name="Create account").click()
    await ben.register()
    await ben.in_channel("general")
    yield ada, ben
    assert (ada.complaints, ben.complaints) == ([], [])


def said(person: Person) -> Locator:
    """The message with the fact, where it was said."""
    return person.page.get_by_role("list", name="Messages").get_by_text(FACT, exact=True).first


def results(person: Person) -> Locator:
    return person.page.get_by_role("list", name="Search results").get_by_role("link")


async def finds_one(person: Person, words: str) -> None:
    """The page asks once for what was typed, so it is typed again until the index has it.

    Between the two the page must see the field empty: what is typed within its debounce is no new question.
    """
    async with asyncio.timeout(INDEXED_S):
        while True:
            await person.page.get_by_role("searchbox", name="Search").fill("")
            await asyncio.sleep(0.5)
            await person.page.get_by_role("searchbox", name="Search").fill(words)
            await asyncio.sleep(1)
            if await results(person).count() == 1:
                return


def answers(person: Person) -> Locator:
    return person.page.get_by_role("list", name="Messages").get_by_role("listitem").filter(has_text="AI-generated")


@pytest.mark.timeout(400)
async def test_a_message_is_found_answered_from_and_counted(stack: BackgroundStack, pictures: Path):
    async with browser() as chromium, two_people(chromium, stack, "Skerry") as (ada, ben):
        await ada.write(FACT)
        await ada.write("The ferry leaves at six, see #general :tada:")
        await ben.reads(FACT, FERRY)

        # Kept with the channel's id, and found as it is read.
        await finds_one(ben, "ferry")
        await expect(results(ben).first).to_contain_text(FERRY)
        await finds_one(ben, "lihgtho")
        await expect(results(ben).first).to_contain_text("Wilhelmina")
        await ben.page.screenshot(path=pictures / "search.png")
        await results(ben).first.click()
        await expect(said(ben)).to_be_in_viewport()

        await ben.page.keyboard.press("Control+k")
        await expect(ben.page.get_by_role("combobox", name="Jump to or run")).to_be_focused()
        await ben.page.keyboard.type("?What is the lighthouse keeper called?")
        await expect(ben.page.get_by_role("option", name="Ask AI in #general")).to_be_visible()
        await ben.page.keyboard.press("Enter")
        on_its_way = ada.page.get_by_role("listitem", name="Answer on its way")
        await expect(on_its_way).to_contain_text("Ben Okri asked", timeout=ANSWER_MS)
        await expect(answers(ada)).to_have_count(1, timeout=ANSWER_MS)
        await expect(answers(ben)).to_have_count(1, timeout=ANSWER_MS)
        await expect(on_its_way).to_have_count(0)
        await ben.page.screenshot(path=pictures / "answer.png")

        source = answers(ben).get_by_role("list", name="Sources").get_by_role("link", name=re.compile("Ada Lovelace"))
        await source.first.click()
        await expect(said(ben)).to_be_in_viewport()

        await ben.page.get_by_role("link", name="Analytics").click()
        await counts(ben, messages=2, runs=1)
        await ben.page.screenshot(path=pictures / "analytics.png", full_page=True)


async def counts(person: Person, *, messages: int, runs: int) -> None:
    """The overview shows what people wrote and what the bot answered; it is opened again until it does."""
    overview = person.page.get_by_role("region", name="Overview")
    wanted = re.compile(rf"Messages\s+{messages}\s.*AI runs\s+{runs}\s", re.DOTALL)
    async with asyncio.timeout(COUNTED_S):
        while not wanted.search(await overview.inner_text()):
            await asyncio.sleep(1)
            await person.page.reload()
            await expect(overview).to_contain_text("AI runs")


@pytest.mark.timeout(400)
async def test_nothing_is_missing_or_twice_when_the_parts_are_killed_in_between(stack: BackgroundStack):
    async with browser() as chromium, two_people(chromium, stack, "Stormy") as (ada, ben):
        await ada.write(FACT)
        await ben.reads(FACT)
        for part in PARTS:
            await kill(stack, part)
        await ada.write("It is blowing hard from the west.")
        await until_ready(stack, 120)

        await finds_one(ben, "wilhelm")
        await results(ben).first.click()
        await expect(said(ben)).to_be_in_viewport()

        await ben.write("/ask What is the lighthouse keeper called?")
        await expect(ada.page.get_by_role("listitem", name="Answer on its way")).to_be_visible(timeout=ANSWER_MS)
        for part in PARTS:
            await kill(stack, part)
        await expect(answers(ben)).to_have_count(1, timeout=ANSWER_MS)
        await expect(answers(ada)).to_have_count(1, timeout=ANSWER_MS)
        await until_ready(stack, 120)

        await ada.page.reload()
        await expect(answers(ada)).to_have_count(1)
        await finds_one(ada, "lighthouse from:me")
        await ada.page.get_by_role("link", name="Analytics").click()
        await counts(ada, messages=2, runs=1)
        for person in (ada, ben):
            # A part that was dead is said in the console as well: that is what it should do.
            person.complaints[:] = [told for told in person.complaints if "503" not in told]
