"""Two people talk through the page, in two browsers that share nothing.

`TERTULIA_SCREENSHOTS=<folder>` keeps the pictures there; otherwise they go where pytest keeps its temporary files.
"""

import os
from pathlib import Path

import pytest
from playwright.async_api import expect

from tertulia_stack.background import BackgroundStack

from .faults import kill
from .page import DESKTOP, PHONE, Person, browser


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("TERTULIA_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def test_two_people_talk_through_the_page(stack: BackgroundStack, pictures: Path):
    async with browser() as chromium:
        ada = await Person.at(chromium, "Ada Lovelace", DESKTOP)
        ben = await Person.at(chromium, "Ben Okri", DESKTOP)

        # Where nobody is yet the address leads to the welcome, which has a journey of its own.
        await ada.page.goto(f"{stack.url}/register")
        await ada.register()
        await ada.found_workspace("Analytical Engine")
        await ada.write("Welcome! The plan for this week is in the notes.")

        await ben.page.goto(await ada.invitation("Analytical Engine"))
        await ben.page.get_by_role("button", name="Create account").click()
        await ben.register()
        await ben.in_channel("general")
        said = ["Welcome! The plan for this week is in the notes."]
        await ben.reads(*said)

        for person, text in (
            (ben, "Thanks, Ada. I read them on the train 🚆"),
            (ben, "Two questions about the punched cards, though."),
            (ada, "Ask away! 是的 — ¿cuáles?"),
        ):
            await person.write(text, by_button=person is ben)
            said.append(text)
            await ada.reads(*said)
            await ben.reads(*said)

        await ben.start_dm("Ada Lovelace")
        await ben.write("Not for everybody: do we have a budget?")
        await ada.open("Ben Okri")
        await ada.reads("Not for everybody: do we have a budget?")
        await ada.write("We do now.")
        await ben.reads("Not for everybody: do we have a budget?", "We do now.")

        await ada.open("general")
        await ben.open("general")
        await ada.page.reload()
        await ada.reads(*said)
        await ada.page.screenshot(path=pictures / "conversation.png")
        assert (ada.complaints, ben.complaints) == ([], [])

        await kill(stack, "notify")
        await ada.write("Sent while the delivery was dead.")
        said.append("Sent while the delivery was dead.")
        await ben.reads(*said)
        await ben.write("And here it is.")
        said.append("And here it is.")
        await ada.reads(*said)

        await ben.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
        await ben.reads(*said)
        await ben.page.screenshot(path=pictures / "phone.png")


async def test_a_wrong_password_says_so_and_a_good_one_brings_one_back(stack: BackgroundStack, pictures: Path):
    async with browser() as chromium:
        ada = await Person.at(chromium, "Ada Lovelace", DESKTOP)
        await ada.page.goto(f"{stack.url}/register")
        await ada.page.screenshot(path=pictures / "register.png")
        username = await ada.register()
        await ada.found_workspace("Difference Engine")

        again = await Person.at(chromium, "Ada Lovelace", DESKTOP)
        await again.page.goto(stack.url)
        for password in ("not the one", "correct horse battery"):
            await again.page.get_by_role("textbox", name="Email or username").fill(username)
            await again.page.get_by_label("Password", exact=True).fill(password)
            await again.page.get_by_role("button", name="Log in").click()
            if password == "not the one":
                await expect(again.page.get_by_text("The name or the password is wrong.")).to_be_visible()
        await again.in_channel("general")
        await ada.write("To my other window")
        await again.reads("To my other window")


async def test_all_tabs_of_a_browser_share_one_stream_and_the_next_one_takes_it_over(stack: BackgroundStack):
    async with browser() as chromium:
        ada = await Person.at(chromium, "Ada Lovelace", DESKTOP)
        await ada.page.goto(f"{stack.url}/register")
        await ada.register()
        await ada.found_workspace("Loom")
        first = ada.page
        async with first.context.expect_page() as opened:
            await first.evaluate("address => window.open(address)", first.url)
        second = Person("Ada Lovelace", await opened.value)
        await second.in_channel("general")
        streams = "performance.getEntriesByType('resource').filter(entry => entry.name.includes('/stream')).length"
        locks = "navigator.locks.query().then(found => found.held.filter(lock => lock.name.includes('stream')).length)"
        assert await first.evaluate(locks) == 1

        await ada.write("To both tabs")
        await second.reads("To both tabs")
        assert await second.page.evaluate(streams) == 0
        await first.close()
        ben = await Person.at(chromium, "Ben Okri", DESKTOP)
        await ben.page.goto(await second.invitation("Loom"))
        await ben.page.get_by_role("button", name="Create account").click()
        await ben.register()
        await ben.in_channel("general")
        await ben.write("Is anybody there?")
        await second.reads("To both tabs", "Is anybody there?")
        assert second.complaints == []
