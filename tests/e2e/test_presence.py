"""Who is there and what they say of themselves, from one device to another person's screen."""

from datetime import UTC, datetime, timedelta

import pytest

from tertulia_client import Connected, NotFound, Presence, PresenceState, PresenceWish, Status, UserUpdated
from tertulia_stack.background import BackgroundStack

from .people import Listener, founded, listening, people


def connection_of(listener: Listener) -> str:
    """The newest connection's."""
    return [item for item in listener.items if isinstance(item, Connected)][-1].connection


def shown(listener: Listener, user_id: str) -> PresenceState | None:
    """What the frames so far say of somebody."""
    frames = [item for item in listener.items if isinstance(item, Presence)]
    states = [person.state for frame in frames for person in frame.people if person.user_id == user_id]
    return states[-1] if states else None


async def test_ada_sees_what_ben_is_up_to(stack: BackgroundStack):
    async with people(stack, "Ada", "Ben", "Eve") as (ada, ben, eve):
        await founded(ada, ben)
        him, stranger = ben.user.id, eve.user.id
        async with listening(ada, ben) as (adas, bens):
            await ada.realtime.watch_presence(connection_of(adas), [him, stranger])
            await adas.until(lambda me: shown(me, him) is PresenceState.ONLINE)
            await ben.realtime.set_active(connection_of(bens), active=False)
            await adas.until(lambda me: shown(me, him) is PresenceState.AWAY)
            await ben.realtime.set_active(connection_of(bens), active=True)
            await adas.until(lambda me: shown(me, him) is PresenceState.ONLINE)
            assert (await ben.users.appear(PresenceWish.OFFLINE)).state is PresenceWish.OFFLINE
            await adas.until(lambda me: shown(me, him) is PresenceState.OFFLINE)
            assert await ada.realtime.presence([him, stranger]) == {him: PresenceState.OFFLINE}
            await ben.users.appear(PresenceWish.AUTO)
            await adas.until(lambda me: shown(me, him) is PresenceState.ONLINE)
            assert shown(adas, stranger) is None
            assert await eve.realtime.presence([him]) == {}
            with pytest.raises(NotFound):
                await eve.realtime.watch_presence(connection_of(adas), [him])

            end = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
            await ben.users.set_status(emoji="🍵", text="tea", until=end)
            tea = Status(emoji="🍵", text="tea", until=end)
            await adas.until(
                lambda me: any(isinstance(e.data, UserUpdated) and e.data.user.status == tea for e in me.events())
            )
            assert (await ada.users.get(him)).status == tea
            await ben.users.drop_status()
            assert (await ada.users.get(him)).status is None
            assert (await ben.users.be_quiet(end)).dnd_until == end
            assert (await ben.users.me()).presence.dnd_until == end
