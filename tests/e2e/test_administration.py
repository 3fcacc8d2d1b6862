"""Governing a workspace through the page: settings, roles, permissions, invitations, moderation and the audit log."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from playwright.async_api import Browser, expect

from tertulia_client import Client
from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

RUDE = "You are a fool"


@dataclass
class House:
    """A workspace with these people at its door: the first is its owner."""

    url: str
    slug: str
    workspace_id: str
    general: str
    clients: list[Client]
    chromium: Browser

    async def person(self, who: int, place: str = "") -> Person:
        """At their page: in `general`, or where the place says."""
        user = self.clients[who].user
        person = await Person.at(self.chromium, user.display_name, DESKTOP)
        address = f"{self.url}/w/{self.slug}/{place or f'c/{self.general}'}"
        await person.sign_in(address, user.username, password_of(user.username))
        return person

    async def api(self, who: int, method: str, path: str, **body: object) -> httpx.Response:
        """What the client has no words for."""
        user = self.clients[who].user
        async with httpx.AsyncClient(base_url=f"{self.url}/api/v1", timeout=30) as http:
            login = {"login": user.username, "password": password_of(user.username)}
            token = (await http.post("/auth/login", json=login)).json()["access_token"]
            answer = await http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
            return answer.raise_for_status()

    async def role(self, who: int, role: str) -> None:
        await self.api(0, "PATCH", f"/workspaces/{self.workspace_id}/members/{self.clients[who].user.id}", role=role)


@asynccontextmanager
async def house(stack: BackgroundStack, *names: str) -> AsyncGenerator[House]:
    async with people(stack, *names) as clients, browser() as chromium:
        workspace, general = await founded(*clients)
        yield House(stack.url, workspace.slug, str(workspace.id), str(general), clients, chromium)


async def to_settings(person: Person, page: str) -> None:
    await person.page.get_by_role("button", name=re.compile("menu$")).first.click()
    await person.page.get_by_role("menuitem", name="Workspace settings").click()
    await person.page.get_by_role("navigation", name="Workspace settings").get_by_role("link", name=page).click()
    await expect(person.page.get_by_role("heading", level=2, name=page)).to_be_visible()


async def test_a_role_opens_the_settings_and_closes_them_again(stack: BackgroundStack):
    async with house(stack, "Ada", "Ben") as home:
        ada, ben = await asyncio.gather(home.person(0), home.person(1))
        await ben.in_channel("general")
        await ben.page.get_by_role("button", name=re.compile("menu$")).first.click()
        await expect(ben.page.get_by_role("menuitem", name="Analytics")).to_be_visible()
        await expect(ben.page.get_by_role("menuitem", name="Workspace settings")).to_be_hidden()
        await ben.page.keyboard.press("Escape")

        await ada.in_channel("general")
        await to_settings(ada, "Members")
        await expect(ada.page.get_by_role("list", name="Members").get_by_role("listitem")).to_have_count(2)
        await ada.page.get_by_role("textbox", name="Find people").fill("ben")
        await expect(ada.page.get_by_role("list", name="Members").get_by_role("listitem")).to_have_count(1)
        await ada.pick("Role of Ben", "Moderator")

        await to_settings(ben, "Moderation")
        pages = ben.page.get_by_role("navigation", name="Workspace settings").get_by_role("link")
        await expect(pages).to_have_text(["Members", "Moderation"])
        await ada.page.get_by_role("textbox", name="Find people").fill("")
        await expect(ada.page.get_by_title(re.compile("needs an owner"))).to_have_text("Owner")

        await ada.pick("Role of Ben", "Guest")
        await expect(ben.page.get_by_role("heading", name="There is nothing here.")).to_be_visible()
        assert (ada.complaints, ben.complaints) == ([], [])


async def test_a_changed_permission_holds_at_once(stack: BackgroundStack):
    async with house(stack, "Ada", "Ben") as home:
        ada, ben = await asyncio.gather(home.person(0, "settings/permissions"), home.person(1))
        invite = ben.page.get_by_role("button", name="Invite people")
        await ben.in_channel("general")
        await expect(invite).to_be_hidden()
        fixed = ada.page.get_by_role("switch", name="Invite members: Guest")
        await expect(fixed).to_be_disabled()
        await ada.page.get_by_role("switch", name="Invite members: Member").check()
        await expect(ada.page.get_by_role("switch", name="Invite members: Moderator")).to_be_checked()
        await ada.page.get_by_role("button", name="Save changes").click()
        await expect(ada.page.get_by_text("Saved")).to_be_visible()
        await invite.click()
        await expect(ben.page.get_by_role("textbox", name="Invitation link")).to_have_value(re.compile("/join/."))
        await ben.page.keyboard.press("Escape")

        await ada.page.get_by_role("switch", name="Invite members: Moderator").uncheck()
        await ada.page.get_by_role("button", name="Save changes").click()
        await expect(invite).to_be_hidden()
        assert (ada.complaints, ben.complaints) == ([], [])


async def test_an_invitation_with_a_limit(stack: BackgroundStack):
    async with house(stack, "Ada", "Ben") as home:
        ada = await home.person(0, "settings/invites")
        await ada.page.get_by_role("textbox", name="For how many").fill("1")
        await ada.pick("They become", "Guest")
        await ada.page.get_by_role("checkbox", name="general").check()
        await ada.page.get_by_role("button", name="Create invitation").click()
        row = ada.page.get_by_role("list", name="Open invitations").get_by_role("listitem").first
        await expect(row).to_contain_text("Used 0 of 1 times")
        link = re.search(r"\S+/join/\S+", await row.inner_text())
        assert link is not None

        eve = await Person.at(home.chromium, "Eve", DESKTOP)
        await eve.page.goto(link.group())
        await eve.page.get_by_role("button", name="Create account").click()
        await eve.register()
        await eve.in_channel("general")
        await eve.page.get_by_role("button", name=re.compile("menu$")).click()
        await expect(eve.page.get_by_role("menuitem")).to_have_text(["Mark everything as read", "Leave workspace"])
        await eve.page.keyboard.press("Escape")
        await eve.page.goto(f"{home.url}/w/{home.slug}/settings/members")
        await expect(eve.page.get_by_role("heading", name="There is nothing here.")).to_be_visible()

        fay = await Person.at(home.chromium, "Fay", DESKTOP)
        await fay.page.goto(link.group())
        await fay.page.get_by_role("button", name="Create account").click()
        await fay.register()
        await expect(fay.page.get_by_text("This invitation has expired or has been used up.")).to_be_visible()
        assert (ada.complaints, eve.complaints) == ([], [])


async def test_a_report_is_decided_and_the_log_tells_it(stack: BackgroundStack):
    async with house(stack, "Ada", "Ben", "Cy") as home:
        said = await home.clients[1].send(home.general, RUDE)
        ada, ben = await asyncio.gather(home.person(0, "settings/moderation"), home.person(1))
        await expect(ada.page.get_by_text("Nothing is waiting for you.")).to_be_visible()
        await home.api(2, "POST", f"/messages/{said.id}/report", category="harassment", note="Not nice")
        card = ada.page.get_by_role("list", name="Reports").get_by_role("listitem").first
        await expect(card).to_contain_text("Reported by Cy")
        await card.get_by_role("button", name="Show what was said around it").click()
        await expect(card.get_by_role("list", name="What was said around it")).to_contain_text(RUDE)
        await card.get_by_role("button", name="Delete message").click()
        dialog = ada.page.get_by_role("alertdialog", name="Delete this message?")
        await dialog.get_by_role("textbox", name="Reason").fill("We are kind here")
        await dialog.get_by_role("button", name="Delete message").click()
        await expect(ada.page.get_by_text("Nothing is waiting for you.")).to_be_visible()
        await expect(ben.page.get_by_text("This message was deleted.")).to_be_visible()
        await ada.page.get_by_role("button", name="Decided").click()
        await expect(card).to_contain_text("Message deleted, by Ada")

        await to_settings(ada, "Audit log")
        log = ada.page.get_by_role("list", name="Audit log")
        await expect(log).to_contain_text("deleted a message")
        await ada.pick("What", "decided a report")
        await expect(log.get_by_role("listitem")).to_have_count(1)
        await expect(log).to_contain_text("We are kind here")
        await expect(ada.page).to_have_url(re.compile(r"action=report\.resolved"))
        async with ada.page.expect_download() as download:
            await ada.page.get_by_role("button", name="Export CSV").click()
        text = (await (await download.value).path()).read_text()
        assert "report.resolved" in text
        assert RUDE not in text
        assert (ada.complaints, ben.complaints) == ([], [])


async def test_a_mute_and_a_ban_are_seen_by_the_other(stack: BackgroundStack):
    async with house(stack, "Ada", "Ben") as home:
        ada, ben = await asyncio.gather(home.person(0), home.person(1))
        await ben.in_channel("general")
        await ada.page.get_by_role("button", name="Channel details").click()
        panel = ada.page.get_by_role("complementary", name="Channel details")
        await panel.get_by_role("button", name="Channel settings").click()
        dialog = ada.page.get_by_role("dialog", name="Settings of general")
        await ada.pick("Slow mode", "30 seconds", dialog)
        await dialog.get_by_role("button", name="Save changes").click()
        await expect(dialog).to_be_hidden()

        await panel.get_by_role("button", name="Mutes and bans").click()
        await ada.page.get_by_role("textbox", name="Find people").fill("Ben")
        await ada.page.get_by_role("button", name="Mute", exact=True).click()
        mute = ada.page.get_by_role("alertdialog", name="Mute Ben")
        await mute.get_by_role("textbox", name="Reason").fill("Take a breath")
        await mute.get_by_role("button", name="Mute Ben").click()
        await expect(ben.page.get_by_text("You are muted until")).to_be_visible()
        await ada.page.get_by_role("button", name="Let Ben write again").click()
        await expect(ben.page.get_by_role("textbox", name="Message #general")).to_be_visible()
        await ada.page.keyboard.press("Escape")

        await to_settings(ada, "Members")
        await ada.page.get_by_role("button", name="More about Ben").click()
        await ada.page.get_by_role("menuitem", name="Ban…").click()
        ban = ada.page.get_by_role("alertdialog", name="Ban Ben")
        await ban.get_by_role("button", name="Ban Ben").click()
        await expect(ben.page.get_by_role("heading", name="There is nothing here.")).to_be_visible()
        await ada.page.get_by_role("link", name="Moderation").click()
        await ada.page.get_by_role("button", name="Lift the ban of Ben").click()
        await expect(ada.page.get_by_text("Nobody is banned.")).to_be_visible()
        # What his page was just asking for where he is banned is not found, of which the console tells.
        assert ada.complaints == []
        assert [one for one in ben.complaints if "404" not in one] == []
