"""The hours in which nothing rings, from the settings of one person to the composer of another."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.async_api import expect

from tertulia_client import QuietHours
from tertulia_stack.background import BackgroundStack

from .page import DESKTOP, Person, browser
from .people import founded, password_of, people

HERE = ZoneInfo("Europe/Madrid")
"""Where every browser is."""


def half_hour(from_now: float) -> str:
    """The half hour of the clock that is so many hours from now, or was just before that."""
    moment = datetime.now(HERE) + timedelta(hours=from_now)
    return f"{moment:%H}:{'00' if moment.minute < 30 else '30'}"


def written(time: str) -> str:
    """As the page writes it."""
    hour, minute = time.split(":")
    return f"{int(hour)}:{minute}"


async def test_who_writes_to_somebody_asleep_is_told_and_nothing_rings(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben") as (ada, ben), browser() as chromium:
        workspace, _ = await founded(ada, ben)
        talk = await ada.channels.open_dm(workspace.id, [ben.user.id])
        asleep, awake = [await Person.at(chromium, name, DESKTOP) for name in ("Ben", "Ada")]
        await asleep.sign_in(f"{stack.url}/settings/notifications", ben.user.username, password_of(ben.user.username))
        settings = asleep.page.get_by_role("main", name="Notifications")
        switch = settings.get_by_role("switch", name="Quiet hours")
        await expect(switch).not_to_be_checked()
        await switch.click()
        starts, ends = half_hour(-2), half_hour(4)
        for name, time in (("From", starts), ("To", ends)):
            await asleep.pick(name, written(time), settings)
            await expect(settings.get_by_role("combobox", name=name, exact=True)).to_have_text(written(time))
        await expect(settings).to_contain_text("By the clock of Europe/Madrid.")
        presence = (await ben.users.me()).presence
        assert (presence.time_zone, presence.quiet_hours) == ("Europe/Madrid", QuietHours(starts=starts, ends=ends))
        await asleep.page.reload()
        await expect(switch).to_be_checked()

        address = f"{stack.url}/w/{workspace.slug}/c/{talk.id}"
        await awake.sign_in(address, ada.user.username, password_of(ada.user.username))
        notice = awake.page.get_by_role("form", name="Write a message").get_by_role("status")
        await expect(notice).to_have_text(f"Ben is in quiet hours until {written(ends)}. Your message will not ring.")
        await awake.write("For tomorrow: the boat.")
        await awake.reads("For tomorrow: the boat.")
        async for item in ben.attention.notifications(workspace.id):
            assert item.notification.silent

        await switch.click()
        await expect(switch).not_to_be_checked()
        assert (await ben.users.me()).presence.quiet_hours is None
        await awake.page.reload()
        await awake.reads("For tomorrow: the boat.")
        await expect(notice).to_have_text("")
        assert asleep.complaints == awake.complaints == []
