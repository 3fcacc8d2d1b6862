"""Takes the pictures in docs/screenshots from the running product: its own stack, its own demo data, a real browser."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tertulia_stack.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "screenshots"
TERTULIA = ROOT / ".venv" / "bin" / "tertulia"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def running_stack() -> Generator[str]:
    """A stack with demo data on a free port, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tertulia-pictures-") as directory:
        port = free_port()
        place = ["--data-dir", f"{directory}/data"]
        process = subprocess.Popen([TERTULIA, "up", "--port", str(port), *place], stdout=subprocess.PIPE, text=True)
        try:
            for line in process.stdout or ():
                if "ready at" in line:
                    break
            subprocess.run([TERTULIA, "seed", *place], check=True)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(timeout=30)


def sign_in(browser: Browser, base: str, *, width: int = 1280, height: int = 800, scheme: str = "light") -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(f"{base}/login")
    page.get_by_label("Email or username").fill("mira")
    page.get_by_label("Password", exact=True).fill("tertulia-demo")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("textbox", name="Message #general").wait_for()
    page.wait_for_timeout(1000)
    return page


def take(browser: Browser, base: str) -> None:
    page = sign_in(browser, base)
    page.get_by_role("link", name="engineering").click()
    page.get_by_role("textbox", name="Message #engineering").wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=PICTURES / "conversation.png")
    sign_in(browser, base, scheme="dark").screenshot(path=PICTURES / "conversation-dark.png")
    sign_in(browser, base, width=375, height=720).screenshot(path=PICTURES / "conversation-phone.png")


def take_thread(browser: Browser, base: str) -> None:
    """Reactions, and a thread beside its channel."""
    page = sign_in(browser, base)
    row = page.get_by_role("list", name="Messages").get_by_role("listitem").nth(-2)
    for emoji in ("👍", "🎉"):
        row.hover()
        row.get_by_role("button", name=f"React with {emoji}").click()
    row.get_by_role("button", name="Reply in thread").click()
    for text in ("I can take this one.", "Done by Thursday, **before** the tide table goes to print."):
        page.get_by_role("form", name="Write a reply").get_by_role("textbox").fill(text)
        page.keyboard.press("Enter")
    page.get_by_role("button", name="2 replies").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / "thread.png")


def take_parts(browser: Browser, base: str) -> None:
    """Search, an answer of the local model with its sources, and the reports."""
    page = sign_in(browser, base)
    page.get_by_role("searchbox", name="Search").fill("from:mira timetabel")
    page.get_by_role("list", name="Search results").get_by_role("link").first.wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / "search.png")
    page.get_by_role("button", name="Close search").click()
    page.get_by_role("link", name="general", exact=True).click()
    page.get_by_role("form", name="Write a message").get_by_role("textbox").fill("/ask Which pier does the ferry use?")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Send message").click()
    page.get_by_text("AI-generated").last.wait_for(timeout=120_000)
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / "answer.png")
    page.get_by_role("link", name="Analytics").click()
    page.get_by_role("region", name="Busiest channels").get_by_text("engineering").first.wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=PICTURES / "analytics.png", full_page=True)


def take_rooms(browser: Browser, base: str) -> None:
    """The palette, settings, and Arabic, which would stay with the person."""
    page = sign_in(browser, base)
    conversation = page.url
    workspace = conversation.split("/c/")[0]
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Jump to or run").wait_for()
    page.wait_for_timeout(500)
    page.screenshot(path=PICTURES / "palette.png")
    page.goto(f"{workspace}/settings/permissions")
    page.get_by_role("table").first.wait_for()
    page.wait_for_timeout(1000)
    page.screenshot(path=PICTURES / "permissions.png")
    page.goto(f"{base}/settings/language")
    page.get_by_role("combobox", name="Language").select_option("ar")
    page.locator("html[dir=rtl]").wait_for()
    page.goto(conversation)
    page.get_by_role("textbox").last.wait_for()
    page.wait_for_timeout(1500)
    page.screenshot(path=PICTURES / "conversation-arabic.png")
    page.goto(f"{base}/settings/language")
    page.locator("main select").first.select_option("en")
    page.locator("html[dir=ltr]").wait_for()


def main() -> int:
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Chromium is not installed.", file=sys.stderr)
        return 1
    PICTURES.mkdir(parents=True, exist_ok=True)
    with running_stack() as base, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        take(browser, base)
        take_thread(browser, base)
        take_rooms(browser, base)
        take_parts(browser, base)
        browser.close()
    for picture in sorted(PICTURES.glob("*.png")):
        print(f"{picture.relative_to(ROOT)}  {picture.stat().st_size // 1024} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
