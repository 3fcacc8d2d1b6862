"""The page for everybody: axe on every main screen in each theme, what a screen reader is told, and 320 px of width."""

import re
from pathlib import Path

from playwright.async_api import Page, expect

from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
NARROW = {"width": 320, "height": 640}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
THEMES = ("light", "dark", "contrast")

FAULTS = """async ({ rules, only }) => {
    const runOnly = only ? { type: 'rule', values: only } : { type: 'tag', values: rules }
    const { violations } = await axe.run(document, { runOnly, resultTypes: ['violations'] })
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
    return grave.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`))
}"""

# Colours that are still on their way from one theme to the other are nobody's.
DRESSED = """async (theme) => {
    document.documentElement.dataset.theme = theme
    document.body.getBoundingClientRect()
    await Promise.allSettled(document.getAnimations().filter(({ effect }) =>
        effect.getComputedTiming().endTime !== Infinity).map(({ finished }) => finished))
}"""


async def faults(page: Page) -> list[str]:
    """All rules in the first theme; in the others what a theme can change."""
    found: list[str] = []
    for theme in THEMES:
        await page.evaluate(DRESSED, theme)
        only = None if theme == "light" else ["color-contrast"]
        found += [f"{theme}: {fault}" for fault in await page.evaluate(FAULTS, {"rules": RULES, "only": only})]
    return found


async def test_no_screen_has_a_grave_fault(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as clients, browser() as chromium:
        workspace, general = await founded(*clients)
        for client, text in zip(
            clients, ("Shall we **paint** the boat? `blue`", "Yes, [blue](https://example.org)."), strict=True
        ):
            await client.send(general, text)
        ada = await Person.at(chromium, "Ada", DESKTOP)
        page, keys = ada.page, ada.page.keyboard
        # As a script that the browser runs before the page's own: its content policy has no say in it.
        await page.context.add_init_script(path=AXE)
        found: dict[str, list[str]] = {}
        for path in ("/login", "/register"):
            await page.goto(stack.url + path)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            found[path] = await faults(page)
        username = clients[0].user.username
        await ada.sign_in(f"{stack.url}/w/{workspace.slug}/c/{general}", username, password_of(username))
        await ada.in_channel("general")
        found["conversation"] = await faults(page)
        await ada.act("paint", "Reply in thread")
        await expect(page.get_by_role("complementary", name="Thread")).to_be_visible()
        found["thread"] = await faults(page)
        await keys.press("Escape")
        await keys.press("Control+.")
        await expect(page.get_by_role("complementary", name="Channel details")).to_be_visible()
        found["details"] = await faults(page)
        await keys.press("Control+k")
        await expect(page.get_by_role("combobox", name="Jump to or run")).to_be_focused()
        found["palette"] = await faults(page)
        await keys.press("Escape")
        await keys.press("Control+/")
        await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        found["help"] = await faults(page)
        await keys.press("Escape")
        for name in ("settings/keyboard", f"w/{workspace.slug}/search?q=boat", "new"):
            await page.goto(f"{stack.url}/{name}")
            await expect(page.get_by_role("main")).to_be_visible()
            found[name] = await faults(page)
        assert {screen: grave for screen, grave in found.items() if grave} == {}


async def test_at_320_px_nothing_is_out_of_reach(stack: BackgroundStack):
    async with people(stack, "Ada") as (client,), browser() as chromium:
        workspace, general = await founded(client)
        await client.send(general, "A long word: " + "incomprehensibilities" * 6)
        ada = await Person.at(chromium, "Ada", NARROW)
        page = ada.page
        username = client.user.username

        async def fits() -> None:
            assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]

        await page.goto(stack.url + "/login")
        await expect(page.get_by_role("button", name="Log in")).to_be_in_viewport()
        await fits()
        await ada.sign_in(f"{stack.url}/w/{workspace.slug}/c/{general}", username, password_of(username))
        await ada.in_channel("general")
        await expect(page.get_by_role("form", name="Write a message").get_by_role("textbox")).to_be_in_viewport()
        await fits()
        await page.get_by_role("button", name="Channel details").click()
        await expect(page.get_by_role("complementary", name="Channel details")).to_be_in_viewport()
        await fits()
        await page.keyboard.press("Escape")
        await page.get_by_role("link", name="Back").click()
        await expect(page.get_by_role("navigation", name="Conversations")).to_be_in_viewport()
        await fits()
        await page.goto(stack.url + "/settings/keyboard")
        await expect(page.get_by_role("textbox", name="Find a shortcut")).to_be_visible()
        await fits()


async def test_a_conversation_says_what_it_is(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as clients, browser() as chromium:
        workspace, general = await founded(*clients)
        await clients[1].send(general, "Anybody here?")
        ada = await Person.at(chromium, "Ada", DESKTOP)
        page, keys = ada.page, ada.page.keyboard
        username = clients[0].user.username
        await ada.sign_in(f"{stack.url}/w/{workspace.slug}/c/{general}", username, password_of(username))
        await ada.reads("Anybody here?")
        for role, name in (
            ("navigation", "Workspaces"),
            ("navigation", "Conversations"),
            ("main", "general"),
            ("search", "Search"),
        ):
            await expect(page.get_by_role(role, name=name)).to_be_visible()  # pyright: ignore[reportArgumentType]
        await expect(ada.message("Anybody here?")).to_have_accessible_name(re.compile("^Ben .*Anybody here"))
        # The first stops of the Tab key, which are seen while they have the focus, lead past the sidebar.
        row = ada.message("Anybody here?")
        for link, place in (
            ("Skip to the latest message", row),
            ("Skip to the first unread message", row),
            ("Skip to the message field", page.get_by_role("textbox", name="Message #general")),
        ):
            skip = page.get_by_role("link", name=link)
            await skip.focus()
            box = await skip.bounding_box()
            assert box is not None
            assert box["height"] > 30
            await keys.press("Enter")
            await expect(place).to_be_focused()
        # The list itself is never live; one region tells what others say, once.
        assert await page.locator('[role="log"], ul[aria-live], ol[aria-live]').count() == 0
        await clients[1].send(general, "Hello?")
        await expect(page.locator('[aria-live="polite"]').filter(has_text="Ben in general: Hello?")).to_have_count(1)
        order = []
        await page.get_by_role("form", name="Write a message").get_by_role("textbox").focus()
        for _ in range(6):
            await keys.press("F6")
            order.append(await page.evaluate("document.activeElement.closest('[data-region]')?.dataset.region"))
        assert order == ["rail", "sidebar", "header", "search", "messages", "composer"]
        assert ada.complaints == []
