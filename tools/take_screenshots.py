"""Takes the pictures in docs/screenshots from the running product: its own stack, its own demo data, a real browser.

Every main screen in light, dark, at a phone's width and in Arabic: `{screen}.webp`, `{screen}-dark.webp` and so on.
To look at other looks, or at some screens only: `take_screenshots.py --looks contrast --screens thread --to folder`.
"""

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright
from playwright.sync_api import TimeoutError as TooLate

from tertulia_stack.ports import free_port
from tertulia_stack.seed.people import PASSWORD, SLUG

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "screenshots"
TEXTS = ROOT / "web" / "src" / "locales"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
READY_S = 120
"""The bot of a fresh stack reads everything that was said before it takes a question …"""
ANSWERED_S = 300
"""… and its model is small and runs on the processor, beside everything else."""
REPLY = "I can take this one."
QUALITY = 72
"""Of a picture in WebP: letters stay sharp, and it has some 40 KB."""


@dataclass(frozen=True)
class Look:
    theme: str = "light"
    language: str = "en"
    width: int = 1280
    height: int = 800

    def text(self, key: str) -> str:
        """What the page calls this in its language; plurals have no place here."""
        group, name = key.split(".")
        return str(json.loads((TEXTS / self.language / f"{group}.json").read_text())[name])

    @property
    def preferences(self) -> dict[str, str]:
        return {"theme": self.theme, "language": self.language}


LOOKS = {
    "": Look(),
    "dark": Look(theme="dark"),
    "phone": Look(width=375, height=720),
    "arabic": Look(language="ar"),
}
OTHER_LOOKS = {
    "contrast": Look(theme="contrast"),
    "contrast-phone": Look(theme="contrast", width=375, height=720),
    "chinese": Look(language="zh"),
    "chinese-phone": Look(language="zh", width=375, height=720),
    "arabic-phone": Look(language="ar", width=375, height=720),
}


@contextmanager
def running_stack() -> Generator[tuple[str, Callable[[], object]]]:
    """A stack on a free port, gone afterwards, and what fills it with the demo."""
    with tempfile.TemporaryDirectory(prefix="tertulia-pictures-") as directory:
        port = free_port()
        tertulia = [sys.executable, "-m", "tertulia_stack"]
        place = ["--data-dir", f"{directory}/data"]
        process = subprocess.Popen([*tertulia, "up", "--port", str(port), *place], stdout=subprocess.PIPE, text=True)
        try:
            for line in process.stdout or ():
                if "ready at" in line:
                    break
            yield f"http://127.0.0.1:{port}", lambda: subprocess.run([*tertulia, "seed", *place], check=True)
        finally:
            process.terminate()
            process.wait(timeout=30)


class Somebody:
    """One of the demo team, by the API."""

    def __init__(self, base: str, username: str) -> None:
        self.http = httpx.Client(base_url=f"{base}/api/v1", timeout=30)
        session = self.call("POST", "/auth/login", login=username, password=PASSWORD)
        self.http.headers["Authorization"] = f"Bearer {session['access_token']}"
        self.id: str = session["user"]["id"]

    def call(self, method: str, path: str, **body: object) -> Any:
        answer = self.http.request(method, path, json=body or None)
        until = time.monotonic() + READY_S
        while answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < until:
            time.sleep(1)
            answer = self.http.request(method, path, json=body or None)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def say(self, channel: str, text: str, **more: object) -> str:
        sent = self.call("POST", f"/channels/{channel}/messages", text=text, client_msg_id=str(uuid.uuid4()), **more)
        return str(sent.get("message", sent)["id"])


@dataclass
class Demo:
    """The demo workspace with something in each of its rooms, as Mira finds it."""

    mira: Somebody
    workspace: str
    channels: dict[str, str]
    thread: str

    @classmethod
    def furnished(cls, base: str) -> "Demo":
        mira, priya, sam = (Somebody(base, name) for name in ("mira", "priya", "sam"))
        workspace = str(mira.call("GET", "/workspaces")["items"][0]["workspace"]["id"])
        told = mira.call("GET", f"/workspaces/{workspace}/bootstrap")["channels"]
        channels = {one["channel"]["name"]: one["channel"]["id"] for one in told if one["channel"]["name"]}
        general, engineering, support, random = (
            channels[name] for name in ("general", "engineering", "support", "random")
        )
        # So that it opens at its end, where something happens.
        [latest] = [one["channel"]["last_seq"] for one in told if one["channel"]["id"] == general]
        mira.call("PUT", f"/channels/{general}/read", seq=latest)
        root = mira.say(
            general,
            "Can somebody look at the tide table before it goes to print? `pier-3` has **two** low waters.",
        )
        for emoji in ("👀", "👍"):
            priya.call("PUT", f"/messages/{root}/reactions/{emoji}")
        sam.call("PUT", f"/messages/{root}/reactions/👍")
        sam.say(general, REPLY, thread_id=root)
        priya.say(general, f"<@{mira.id}> Done by Thursday, *before* it goes to print.", thread_id=root)
        asked = priya.say(engineering, f"<@{mira.id}> may I merge the new **timetable** import today?")
        mira.call("PUT", f"/messages/{asked}/save")
        soon = datetime.now(UTC) + timedelta(hours=20)
        mira.call("POST", f"/messages/{asked}/reminders", remind_at=soon.isoformat())
        mira.call("PUT", f"/channels/{support}/draft", text="The 07:40 to Holm sails again from Monday: please tell")
        mira.call("PUT", f"/channels/{random}/draft", text="Soup on Friday?")
        mira.call(
            "POST",
            f"/workspaces/{workspace}/scheduled",
            channel_id=general,
            text="Reminder: the office is closed on Monday.",
            client_msg_id=str(uuid.uuid4()),
            send_at=(soon + timedelta(days=1)).isoformat(),
        )
        rude = sam.say(random, "Whoever took my mug again: you are a pirate.")
        priya.call("POST", f"/messages/{rude}/report", category="harassment", note="Not nice, even as a joke")
        direct = sam.call("POST", f"/workspaces/{workspace}/dms", user_ids=[mira.id])
        sam.say(str(direct.get("channel", direct)["id"]), "Do you have a minute before the stand-up?")
        # A channel without small talk, of which so small a model makes its answers.
        harbour = str(sam.call("POST", f"/workspaces/{workspace}/channels", kind="public", name="harbour")["id"])
        mira.call("POST", f"/channels/{harbour}/join")
        sam.say(harbour, "From Monday the ferry to Holm leaves from pier 3, because pier 1 is being repaired.")
        ask(mira, harbour, "Which pier does the ferry to Holm leave from?")
        channels["harbour"] = harbour
        return cls(mira, workspace, channels, root)


def ask(somebody: Somebody, channel: str, question: str) -> None:
    """And wait for the answer, so that every picture has it."""
    somebody.call("POST", f"/channels/{channel}/commands", text=f"/ask {question}")
    until = time.monotonic() + ANSWERED_S
    while somebody.call("GET", f"/channels/{channel}/runs")["items"] and time.monotonic() < until:
        time.sleep(1)


@dataclass
class Visit:
    """One look at the product: a page, and how its buttons are called."""

    base: str
    page: Page
    look: Look
    demo: Demo | None = None

    def go(self, path: str) -> None:
        self.page.goto(f"{self.base}/{path}")
        # Beside a thread on a phone it is there and not seen.
        self.page.locator("main").first.wait_for(state="attached")

    def inside(self, path: str = "") -> None:
        self.go(f"w/{SLUG}/{path}")

    def channel(self, name: str) -> str:
        return f"c/{self.demo.channels[name]}" if self.demo else ""

    def press(self, key: str) -> None:
        self.page.get_by_role("button", name=self.look.text(key), exact=True).first.click()

    def picture(self, path: Path) -> None:
        """Of what has come, in WebP, which Chromium makes and Playwright does not offer."""
        waiting = self.page.locator("[role=status].animate-pulse")
        waiting.first.wait_for(state="detached")
        self.page.wait_for_timeout(900)
        session = self.page.context.new_cdp_session(self.page)
        taken = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        path.write_bytes(base64.b64decode(taken["data"]))
        session.detach()


def conversation(visit: Visit) -> None:
    visit.inside(visit.channel("engineering"))


def thread(visit: Visit) -> None:
    visit.inside(f"{visit.channel('general')}/t/{visit.demo.thread if visit.demo else ''}")
    visit.page.locator("[data-region=panel]").get_by_text(REPLY).wait_for()


def palette(visit: Visit) -> None:
    visit.inside(visit.channel("engineering"))
    visit.page.get_by_role("textbox").last.wait_for()
    visit.page.keyboard.press("Control+k")
    visit.page.get_by_role("dialog").wait_for()


def browser_of_channels(visit: Visit) -> None:
    visit.inside("activity")
    home = visit.page.get_by_role("link", name=visit.look.text("places.home"), exact=True)
    if home.is_visible():
        home.click()
    visit.press("channels.add")
    visit.page.get_by_role("menuitem", name=visit.look.text("channels.browse")).click()
    visit.page.get_by_role("dialog").wait_for()


def answer(visit: Visit) -> None:
    """Of the local model, with its sources."""
    visit.inside(visit.channel("harbour"))
    visit.page.locator("[data-region=messages]").get_by_text(visit.look.text("runs.generated")).last.wait_for()


def page_of(path: str) -> Callable[[Visit], None]:
    return lambda visit: visit.inside(path)


STRANGERS: dict[str, Callable[[Visit], None]] = {
    "first-run": lambda visit: visit.go("welcome"),
    "log-in": lambda visit: visit.go("login"),
}
SCREENS: dict[str, Callable[[Visit], None]] = {
    "activity": page_of("activity"),
    "threads": page_of("threads"),
    "conversation": conversation,
    "thread": thread,
    "drafts": page_of("drafts"),
    "saved": page_of("saved"),
    "search": page_of("search?q=from%3Amira%20timetabel"),
    "palette": palette,
    "channels": browser_of_channels,
    "analytics": page_of("analytics"),
    "settings": lambda visit: visit.go("settings/appearance"),
    "members": page_of("settings/members"),
    "permissions": page_of("settings/permissions"),
    "moderation": page_of("settings/moderation"),
    "audit": page_of("settings/audit"),
    "answer": answer,
}


@contextmanager
def visiting(base: str, browser: Browser, look: Look, demo: Demo | None) -> Generator[Visit]:
    """Signed in as Mira, who likes it this way, or nobody."""
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height}, locale="en-GB", timezone_id="Europe/Madrid"
    )
    stored = json.dumps(["tertulia.preferences", json.dumps({"values": look.preferences, "unsaved": []})])
    context.add_init_script(f"localStorage.getItem({stored}[0]) ?? localStorage.setItem(...{stored})")
    context.set_default_timeout(15_000)
    page = context.new_page()
    if demo is not None:
        demo.mira.call("PATCH", "/users/me", preferences=look.preferences)
        page.goto(f"{base}/login")
        page.locator("input[autocomplete=username]").fill("mira")
        page.locator("input[type=password]").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/w/**")
        page.get_by_role("main").first.wait_for()
    yield Visit(base, page, look, demo)
    context.close()


missing: list[str] = []


def take(visit: Visit, screens: dict[str, Callable[[Visit], None]], name: str, wanted: set[str], folder: Path) -> None:
    for screen, show in screens.items():
        if wanted and screen not in wanted:
            continue
        picture = f"{screen}{f'-{name}' if name else ''}.webp"
        try:
            show(visit)
            visit.picture(folder / picture)
        except TooLate as late:
            missing.append(picture)
            print(f"{picture}: {late.message.splitlines()[0]}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--looks", nargs="*", choices=[*LOOKS, *OTHER_LOOKS], default=list(LOOKS))
    parser.add_argument("--screens", nargs="*", choices=[*STRANGERS, *SCREENS], default=[])
    parser.add_argument("--to", type=Path, default=PICTURES)
    wishes = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("Chromium is not installed.", file=sys.stderr)
        return 1
    folder, wanted = wishes.to, set(wishes.screens)
    looks = {name: (LOOKS | OTHER_LOOKS)[name] for name in wishes.looks}
    folder.mkdir(parents=True, exist_ok=True)
    with running_stack() as (base, seed), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        first_run = {"first-run": STRANGERS["first-run"]}
        for name, look in looks.items():
            with visiting(base, browser, look, None) as visit:
                take(visit, first_run, name, wanted, folder)
        seed()
        demo = Demo.furnished(base)
        for name, look in looks.items():
            with visiting(base, browser, look, None) as visit:
                take(visit, {"log-in": STRANGERS["log-in"]}, name, wanted, folder)
            with visiting(base, browser, look, demo) as visit:
                take(visit, SCREENS, name, wanted, folder)
        browser.close()
    pictures = sorted(folder.glob("*.webp"))
    sizes = [picture.stat().st_size for picture in pictures]
    for picture, size in zip(pictures, sizes, strict=True):
        print(f"{picture.name}  {size // 1024} KiB")
    print(f"{len(pictures)} pictures, {sum(sizes) // 1024} KiB")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
