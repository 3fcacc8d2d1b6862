"""What a person sets for themselves: their language, how the page looks, where they are logged in, their password."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone

from playwright.async_api import Browser, expect

from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, PHONE, Person, browser
from .people import founded, password_of, people

BOAT = "Shall we paint the boat?"
HERE = re.compile("Chrome on Linux")


@asynccontextmanager
async def settled(stack: BackgroundStack, devices: int = 1) -> AsyncGenerator[tuple[Browser, str, str, list[Person]]]:
    """The browser, the address of a channel with one message, Ada's username, and Ada at so many devices."""
    async with people(stack, "Ada") as (client,), browser() as chromium:
        workspace, general = await founded(client)
        await client.send(general, BOAT)
        address, username = f"{stack.url}/w/{workspace.slug}/c/{general}", client.user.username
        persons = [await Person.at(chromium, "Ada", DESKTOP) for _ in range(devices)]
        for person in persons:
            await person.sign_in(address, username, password_of(username))
            await person.reads(BOAT)
        yield chromium, address, username, persons


async def open_settings(person: Person, page: str) -> None:
    await person.page.get_by_role("button", name="Your account").click()
    await person.page.get_by_role("menuitem", name="Settings").click()
    await person.page.get_by_role("navigation", name="Settings").get_by_role("link", name=page).click()
    await expect(person.page.get_by_role("heading", level=1, name=page)).to_be_visible()


async def test_talking_in_arabic_from_the_log_in_on(stack: BackgroundStack):
    async with settled(stack) as (chromium, address, username, (ada,)):
        guest = await Person.at(chromium, "Ada", PHONE)
        page = guest.page
        await page.goto(address)
        await guest.pick("Language", "العربية")
        html = page.locator("html")
        await expect(html).to_have_attribute("dir", "rtl")
        await expect(html).to_have_attribute("lang", "ar")
        await page.get_by_role("textbox", name="البريد الإلكتروني أو اسم المستخدم").fill(username)
        await page.get_by_label("كلمة المرور", exact=True).fill(password_of(username))
        await page.get_by_role("button", name="تسجيل الدخول").click()
        await guest.reads(BOAT, among="الرسائل")
        await page.get_by_role("form", name="كتابة رسالة").get_by_role("textbox").fill("أزرق، على ما أرى")
        await page.get_by_role("button", name="إرسال الرسالة").click()
        await guest.reads(BOAT, "أزرق، على ما أرى", among="الرسائل")

        # The choice reached the account, so the device beside it follows, and it outlasts a reload.
        await ada.reads(BOAT, "أزرق، على ما أرى", among="الرسائل")
        await expect(ada.page.locator("html")).to_have_attribute("dir", "rtl")
        await page.reload()
        await guest.reads(BOAT, "أزرق، على ما أرى", among="الرسائل")
        assert (ada.complaints, guest.complaints) == ([], [])


async def test_another_device_is_logged_out_from_here(stack: BackgroundStack):
    async with settled(stack, devices=2) as (_, _, _, (desk, laptop)):
        await open_settings(desk, "Sessions")
        sessions = desk.page.get_by_role("list", name="Sessions").get_by_role("listitem")
        # The third is the program that wrote the message.
        await expect(sessions).to_have_count(3)
        await expect(sessions.filter(has_text="This device")).to_have_count(1)
        await desk.page.get_by_role("button", name="Log out Chrome on Linux").click()
        await desk.page.get_by_role("alertdialog").get_by_role("button", name="Log out").click()
        await expect(sessions).to_have_count(2)
        await expect(laptop.page.get_by_role("button", name="Log in")).to_be_visible()
        await desk.page.keyboard.press("Escape")
        await desk.reads(BOAT)


async def test_a_new_password_ends_all_other_sessions(stack: BackgroundStack):
    async with settled(stack, devices=2) as (_, address, username, (desk, laptop)):
        await open_settings(desk, "Password")
        page = desk.page
        present, new = page.get_by_label("Current password"), page.get_by_label("New password")
        await present.fill("something else")
        await new.fill("a longer better one")
        await page.get_by_role("button", name="Change password").click()
        await expect(page.get_by_text("This is not your password.")).to_be_visible()
        await present.fill(password_of(username))
        await page.get_by_role("button", name="Change password").click()
        await expect(page.get_by_text("Your password was changed.")).to_be_visible()
        await expect(laptop.page.get_by_role("button", name="Log in")).to_be_visible()
        await laptop.sign_in(address, username, "a longer better one")
        await laptop.reads(BOAT)


async def test_how_the_page_looks_outlasts_a_reload_and_holds_in_another_tab(stack: BackgroundStack):
    async with settled(stack) as (_, address, _, (ada,)):
        tab = await ada.page.context.new_page()
        await tab.goto(address)
        await open_settings(ada, "Appearance")
        await ada.page.get_by_role("radio", name="Dark").check()
        await ada.page.get_by_role("radio", name="Compact").check()
        await ada.page.get_by_role("radio", name="Large", exact=True).check()
        for page in (ada.page, tab):
            html = page.locator("html")
            await expect(html).to_have_attribute("data-theme", "dark")
            await expect(html).to_have_attribute("data-density", "compact")
            await expect(html).to_have_attribute("data-text-size", "large")
        await ada.page.reload()
        await expect(ada.page.get_by_role("radio", name="Compact")).to_be_checked()
        await expect(ada.page.locator("html")).to_have_attribute("data-theme", "dark")
        assert ada.complaints == []


async def test_times_are_german_and_of_the_chosen_zone(stack: BackgroundStack):
    async with settled(stack) as (_, address, _, (ada,)):
        await open_settings(ada, "Language and time")
        page = ada.page
        zone = page.get_by_role("combobox", name="Time zone")
        await zone.fill("tokyo")
        await zone.press("Enter")
        await expect(zone).to_have_value(re.compile("Asia/Tokyo"))
        await ada.pick("Language", "Deutsch")
        await expect(page.get_by_role("heading", level=1, name="Sprache und Zeit")).to_be_visible()
        await expect(page).to_have_title("Sprache und Zeit · Tertulia")
        await page.goto(address)
        await ada.reads(BOAT, among="Nachrichten")
        row = ada.message(BOAT, among="Nachrichten")
        stamp = row.locator("time").first
        told = datetime.fromisoformat(await stamp.get_attribute("datetime") or "")
        there = told.astimezone(timezone(timedelta(hours=9)))
        await expect(stamp).to_have_text(f"{there.hour}:{there:%M}")
        await expect(page.get_by_role("heading", level=2, name="Heute")).to_be_visible()
