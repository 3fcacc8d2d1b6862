"""Every list, read page by page while others write: what was there all along comes exactly once, in order.

Between two pages something new appears, something already read goes, and something not yet read goes. What goes may
come or not; nothing comes twice, and nothing that stayed is missing.
"""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

SIZE = 12
PAGE = 2


class House:
    """Ann's workspace with the channel `busy`, and whatever a list is of."""

    def __init__(self, chat, ann, workspace, channel):
        self.chat, self.ann, self.workspace, self.channel = chat, ann, workspace, channel
        self.number = 0

    def next_name(self):
        self.number += 1
        return f"n{self.number}"

    async def person_in_workspace(self):
        person = await self.chat.person()
        await self.ann.invite(self.workspace, person)
        return person

    async def say(self):
        return await self.ann.say(self.channel, self.next_name())


async def found(chat):
    ann = await chat.person()
    workspace = await ann.workspace()
    return House(chat, ann, workspace, await ann.channel(workspace, "busy"))


@pytest_asyncio.fixture(loop_scope="session")
async def house(begin_with):
    return await begin_with(found)


class ByCursor:
    """A list whose pages say where the next one begins."""

    def __init__(self, house):
        self.house = house

    async def page(self, place):
        query = f"?limit={PAGE}" + (f"&cursor={place}" if place is not None else "")
        page = await self.house.ann.get(self.path() + query)
        return [self.key(item) for item in page["items"]], page["next"]

    def key(self, item):
        return item["id"]


class Channels(ByCursor):
    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/channels"

    def key(self, item):
        return item["channel"]["id"]

    async def add(self):
        return (await self.house.ann.channel(self.house.workspace, self.house.next_name()))["id"]

    async def drop(self, channel_id):
        """Nothing of Ann's list goes; it is renamed and archived there."""
        await self.house.ann.patch(f"/channels/{channel_id}", {"name": self.house.next_name()})
        await self.house.ann.post(f"/channels/{channel_id}/archive")


class WorkspaceMembers(ByCursor):
    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/members"

    def key(self, item):
        return item["user"]["id"]

    async def add(self):
        return (await self.house.person_in_workspace()).id

    async def drop(self, user_id):
        await self.house.ann.delete(f"/workspaces/{self.house.workspace['id']}/members/{user_id}")


class ChannelMembers(WorkspaceMembers):
    def path(self):
        return f"/channels/{self.house.channel['id']}/members"

    async def add(self):
        person = await self.house.person_in_workspace()
        await self.house.ann.post(self.path(), {"user_id": person.id}, 201)
        return person.id

    async def drop(self, user_id):
        await self.house.ann.delete(f"{self.path()}/{user_id}")


class Pins(ByCursor):
    def path(self):
        return f"/channels/{self.house.channel['id']}/pins"

    async def add(self):
        said = await self.house.say()
        await self.house.ann.ask("PUT", f"/messages/{said['id']}/pin")
        return said["id"]

    async def drop(self, message_id):
        await self.house.ann.ask("DELETE", f"/messages/{message_id}/pin")


class Saved(ByCursor):
    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/saved"

    def key(self, item):
        return item["message"]["id"]

    async def add(self):
        said = await self.house.say()
        await self.house.ann.ask("PUT", f"/messages/{said['id']}/save", 204)
        return said["id"]

    async def drop(self, message_id):
        await self.house.ann.ask("DELETE", f"/messages/{message_id}/save", 204)


class Drafts(ByCursor):
    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/drafts"

    def key(self, item):
        return item["channel_id"]

    async def add(self):
        channel = await self.house.ann.channel(self.house.workspace, self.house.next_name())
        await self.house.ann.ask("PUT", f"/channels/{channel['id']}/draft", json={"text": "half"})
        return channel["id"]

    async def drop(self, channel_id):
        await self.house.ann.ask("DELETE", f"/channels/{channel_id}/draft", None)


class Mentions(ByCursor):
    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/mentions"

    async def add(self):
        if not hasattr(self, "bob"):
            self.bob = await self.house.person_in_workspace()
            await self.bob.post(f"/channels/{self.house.channel['id']}/join")
        return (await self.bob.say(self.house.channel, f"<@{self.house.ann.id}> {self.house.next_name()}"))["id"]

    async def drop(self, message_id):
        await self.bob.delete(f"/messages/{message_id}", 200)


class Threads(ByCursor):
    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/threads"

    def key(self, item):
        return item["root"]["id"]

    async def add(self):
        root = await self.house.say()
        await self.house.ann.reply(self.house.channel, root, "yes")
        return root["id"]

    async def drop(self, thread_id):
        await self.house.ann.ask("DELETE", f"/threads/{thread_id}/follow", None)


class Older:
    """Messages from the newest downwards: those that were deleted stay in their place."""

    forwards = False

    def __init__(self, house):
        self.house = house

    def path(self):
        return f"/channels/{self.house.channel['id']}/messages"

    async def page(self, place):
        query = "" if place is None else f"&{'after' if self.forwards else 'before'}={place}"
        page = await self.house.ann.get(f"{self.path()}?limit={PAGE}{query}")
        items = page["items"] if self.forwards else page["items"][::-1]
        more = page["has_after"] if self.forwards else page["has_before"]
        return [item["id"] for item in items], items[-1]["ch_seq"] if more and items else None

    async def add(self):
        return (await self.house.say())["id"]

    async def drop(self, message_id):
        await self.house.ann.delete(f"/messages/{message_id}", 200)


class Newer(Older):
    forwards = True

    async def page(self, place):
        return await super().page(0 if place is None else place)


class Replies(Newer):
    def path(self):
        return f"/messages/{self.root['id']}/thread"

    async def add(self):
        if not hasattr(self, "root"):
            self.root = await self.house.say()
        return (await self.house.ann.reply(self.house.channel, self.root, self.house.next_name()))["id"]


class Events(Newer):
    """The log of a channel."""

    def path(self):
        return f"/channels/{self.house.channel['id']}/events"

    async def page(self, place):
        page = await self.house.ann.get(f"{self.path()}?limit={PAGE}&after={place or 0}")
        ids = [item["data"]["message"]["id"] for item in page["items"] if item["type"] == "message.created"]
        numbers = [item["ch_seq"] for item in page["items"]]
        assert numbers == list(range((place or 0) + 1, (place or 0) + 1 + len(numbers)))
        return ids, numbers[-1] if page["has_more"] else None


class Former(WorkspaceMembers):
    """Who is deactivated."""

    async def page(self, place):
        query = f"?deactivated=true&limit={PAGE}" + (f"&cursor={place}" if place is not None else "")
        page = await self.house.ann.get(self.path() + query)
        return [self.key(item) for item in page["items"]], page["next"]

    async def add(self):
        user_id = (await self.house.person_in_workspace()).id
        await self.house.ann.post(f"{self.path()}/{user_id}/deactivate")
        return user_id

    async def drop(self, user_id):
        await self.house.ann.post(f"{self.path()}/{user_id}/reactivate")


class Sanctions(ByCursor):
    """Somebody is laid under something in a place; it is lifted."""

    kind = place = ""

    def path(self):
        return f"/{self.place}s/{self.house.channel['id'] if self.place == 'channel' else self.house.workspace['id']}"

    async def page(self, place):
        query = f"?limit={PAGE}" + (f"&cursor={place}" if place is not None else "")
        page = await self.house.ann.get(f"{self.path()}/{self.kind}{query}")
        return [item["user"]["id"] for item in page["items"]], page["next"]

    async def add(self):
        user_id = (await self.house.person_in_workspace()).id
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        await self.house.ann.ask("PUT", f"{self.path()}/{self.kind}/{user_id}", json={"until": until})
        return user_id

    async def drop(self, user_id):
        await self.house.ann.ask("DELETE", f"{self.path()}/{self.kind}/{user_id}", None)


class Bans(Sanctions):
    kind, place = "bans", "channel"


class Mutes(Sanctions):
    kind, place = "mutes", "channel"


class WorkspaceBans(Sanctions):
    kind, place = "bans", "workspace"


class WorkspaceMutes(Sanctions):
    kind, place = "mutes", "workspace"


class Notifications(Mentions):
    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/notifications"

    def key(self, item):
        return item["message"]["id"]

    async def add(self):
        message_id = await super().add()
        await self.house.chat.decide()
        return message_id

    async def drop(self, message_id):
        await super().drop(message_id)
        await self.house.chat.decide()


class Reminders(ByCursor):
    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/reminders"

    def key(self, item):
        return item["reminder"]["id"]

    async def add(self):
        said = await self.house.say()
        at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        answer = await self.house.ann.post(f"/messages/{said['id']}/reminders", {"remind_at": at}, 201)
        return answer["reminder"]["id"]

    async def drop(self, reminder_id):
        await self.house.ann.delete(f"/reminders/{reminder_id}", None)


class Scheduled(ByCursor):
    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/scheduled"

    async def add(self):
        at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        wish = {"channel_id": self.house.channel["id"], "text": self.house.next_name(), "send_at": at}
        answer = await self.house.ann.post(self.path(), {**wish, "client_msg_id": str(uuid.uuid4())}, 201)
        return answer["scheduled"]["id"]

    async def drop(self, scheduled_id):
        await self.house.ann.delete(f"/scheduled/{scheduled_id}", None)


class Reports(ByCursor):
    """Of what Bob said: nobody judges of what is said about themselves."""

    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/reports"

    def key(self, item):
        return item["report"]["id"]

    async def add(self):
        if not hasattr(self, "bob"):
            self.bob = await self.house.person_in_workspace()
            await self.bob.post(f"/channels/{self.house.channel['id']}/join")
        said = await self.bob.say(self.house.channel, self.house.next_name())
        person = await self.house.person_in_workspace()
        return (await person.post(f"/messages/{said['id']}/report", {"category": "spam"}, 201))["report"]["id"]

    async def drop(self, report_id):
        await self.house.ann.post(f"/reports/{report_id}/resolve", {"outcome": "dismissed"})


class Notices(ByCursor):
    """What Ann is told of the moderators' deeds; nothing of it ever goes."""

    def path(self):
        return "/users/me/notices"

    async def add(self):
        if not hasattr(self, "mod"):
            self.mod = await self.house.person_in_workspace()
            members = f"/workspaces/{self.house.workspace['id']}/members"
            await self.house.ann.patch(f"{members}/{self.mod.id}", {"role": "owner"})
            await self.mod.post(f"/channels/{self.house.channel['id']}/join")
        said = await self.house.say()
        await self.mod.delete(f"/messages/{said['id']}", 200)
        (newest,) = (await self.house.ann.get(f"{self.path()}?limit=1"))["items"]
        return newest["id"]

    async def drop(self, notice_id):
        """Only more comes."""
        await self.add()


class Audit(ByCursor):
    """Only grows, also by being read."""

    def path(self):
        return f"/workspaces/{self.house.workspace['id']}/audit"

    async def add(self):
        await self.house.ann.channel(self.house.workspace, self.house.next_name())
        (newest,) = (await self.house.ann.get(f"{self.path()}?action=channel.created&limit=1"))["items"]
        return newest["id"]

    async def drop(self, entry_id):
        """Only more comes."""
        await self.add()


LISTS = [
    Channels,
    WorkspaceMembers,
    ChannelMembers,
    Pins,
    Saved,
    Drafts,
    Mentions,
    Threads,
    Older,
    Newer,
    Replies,
    Events,
    Former,
    Bans,
    Mutes,
    WorkspaceBans,
    WorkspaceMutes,
    Notifications,
    Reminders,
    Scheduled,
    Reports,
    Notices,
    Audit,
]


@pytest.mark.parametrize("kind", LISTS, ids=lambda kind: kind.__name__)
async def test_what_stays_comes_once(house, kind):
    listed = kind(house)
    there = [await listed.add() for _ in range(SIZE)]
    read, gone, place = [], set(), None
    while True:
        ids, place = await listed.page(place)
        read += ids
        if place is None or len(read) > 10 * SIZE:
            break
        if len(gone) < SIZE // 2:
            await listed.add()
            old = [one for one in there if one in read and one not in gone]
            new = [one for one in there if one not in read and one not in gone]
            for one in (*old[:1], *new[-1:]):
                await listed.drop(one)
                gone.add(one)
    assert len(read) == len(set(read))
    kept, stayed = [one for one in read if one in there and one not in gone], [one for one in there if one not in gone]
    assert kept in (stayed, stayed[::-1])


async def test_a_history_is_read_from_both_ends(house):
    """The one list that edits grow: the former texts of a message."""
    said = await house.say()
    for number in range(SIZE):
        await house.ann.patch(f"/messages/{said['id']}", {"text": str(number)})
    numbers, place = [], 0
    while place is not None:
        page = await house.ann.get(f"/messages/{said['id']}/history?after={place}&limit={PAGE}")
        numbers += [item["number"] for item in page["items"]]
        place = page["next"]
        if len(numbers) < SIZE:
            await house.ann.patch(f"/messages/{said['id']}", {"text": str(uuid.uuid4())})
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= SIZE
