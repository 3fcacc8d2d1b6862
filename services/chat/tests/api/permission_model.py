"""Who may what, in words of its own: an independent model of a workspace, and a deed for every address that changes it.

A deed is a function `(world, who, a, b, c) -> Ask | None`: it picks what it is about by the three numbers, says how the
address must answer, and, in `then`, what is true afterwards. None: there is nothing to do it to. To join a new address,
write one more function under `@deed`; the oracle draws from `DEEDS`.

A refusal is raised as `No(status)`, in the order in which the service looks.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

RANKS = ["guest", "member", "moderator", "admin", "owner"]
EVERYBODY, MEMBERS, MODERATORS, ADMINS = RANKS[:4]
LEAST = {
    "create_public_channel": MEMBERS,
    "create_private_channel": MEMBERS,
    "manage_channels": ADMINS,
    "archive_channels": ADMINS,
    "delete_channels": ADMINS,
    "invite_members": ADMINS,
    "invite_guests": ADMINS,
    "manage_roles": ADMINS,
    "remove_members": ADMINS,
    "deactivate_members": ADMINS,
    "delete_messages": MODERATORS,
    "pin_messages": EVERYBODY,
    "mention_everyone": EVERYBODY,
    "kick_members": MODERATORS,
    "ban_members": MODERATORS,
    "mute_members": MODERATORS,
    "set_slow_mode": MODERATORS,
    "review_reports": MODERATORS,
    "view_audit": ADMINS,
    "manage_permissions": ADMINS,
    "manage_workspace": ADMINS,
}
FOR_GUESTS = {"pin_messages", "mention_everyone"}
CHANNEL_OWNERS_MAY = {
    "manage_channels",
    "archive_channels",
    "pin_messages",
    "mention_everyone",
    "kick_members",
    "ban_members",
    "mute_members",
    "set_slow_mode",
}
MOST_ROOMS = 7
ACQUAINTED = 4
"""So many of the people, the first ones, also meet elsewhere."""


class No(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass
class Room:
    id: str
    kind: str
    name: str | None
    members: dict[int, str]
    people: frozenset[int] = frozenset()
    archived: bool = False
    posting: str = "everyone"
    default: bool = False

    @property
    def direct(self) -> bool:
        return self.kind in ("dm", "group_dm")


@dataclass
class Said:
    id: str
    room: Room
    author: int
    reply: bool = False
    forwarded: bool = False
    deleted_by: int | None = None


@dataclass
class Invite:
    code: str
    role: str
    maker: int


@dataclass
class Ask:
    """`verdict` is the status that must come back; `then` gets the answer when nothing was refused."""

    method: str
    path: str
    body: Any
    verdict: int
    then: Callable[[Any], None]


@dataclass
class World:
    """`ids` are the people's; `out` holds who is deactivated: as what, and what they were in which room. `banned` and
    `muted` hold places (rooms or the workspace) and people; `reported` messages and who has an open report of them."""

    workspace: str
    ids: list[str]
    roles: dict[int, str]
    rooms: list[Room]
    table: dict[str, str] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)
    invites: list[Invite] = field(default_factory=list)
    out: dict[int, tuple[str, dict[str, str]]] = field(default_factory=dict)
    banned: set[tuple[str, int]] = field(default_factory=set)
    muted: set[tuple[str, int]] = field(default_factory=set)
    reported: set[tuple[str, int]] = field(default_factory=set)
    names: int = 0

    # -- the rules ---------------------------------------------------------------------------------------

    def role(self, who: int) -> str:
        if who not in self.roles:
            raise No(404)
        return self.roles[who]

    def least(self, permission: str) -> str:
        return self.table.get(permission, LEAST[permission])

    def may(self, who: int, permission: str, room: Room | None = None) -> bool:
        role = self.role(who)
        if room and permission in CHANNEL_OWNERS_MAY and room.members.get(who) == "owner" and role != "guest":
            return True
        return at_least(role, self.least(permission))

    def need(self, who: int, permission: str, room: Room | None = None) -> None:
        if not self.may(who, permission, room):
            raise No(403)

    def knows(self, who: int, room: Room) -> bool:
        looks_in = room.kind == "public" and self.roles.get(who, "guest") != "guest"
        return who in self.roles and (who in room.members or (looks_in and (room.id, who) not in self.banned))

    def see(self, who: int, room: Room) -> None:
        """Who is banned from a public room knows that it is there."""
        if not self.knows(who, room):
            raise No(403 if room.kind == "public" and self.roles.get(who, "guest") != "guest" else 404)

    def silent(self, who: int, room: Room) -> bool:
        return (room.id, who) in self.muted or (self.workspace, who) in self.muted

    def outranks(self, who: int, whom: int, room: Room | None = None) -> bool:
        """Who is not in the workspace is below everybody."""
        if whom not in self.roles:
            return True
        mine, theirs = self.roles[who], self.roles[whom]
        owns = [
            room is not None and room.members.get(one) == "owner" and self.roles[one] != "guest" for one in (who, whom)
        ]
        return above(mine, theirs) or (mine == theirs and owns == [True, False])

    def post(self, who: int, room: Room) -> None:
        if who not in room.members or self.silent(who, room):
            raise No(403)
        if room.posting == "admins" and not self.may(who, "manage_channels", room):
            raise No(403)

    def makeable(self, role: str) -> set[str]:
        """Whom somebody with this role lets in by a code."""
        return {
            one
            for one in RANKS[:4]
            if at_least(role, one)
            and at_least(role, self.least("invite_guests" if one == "guest" else "invite_members"))
        }

    def owners(self) -> int:
        return sum(role == "owner" for role in self.roles.values())

    # -- what follows ------------------------------------------------------------------------------------

    def acquainted(self, who: int, whom: int) -> bool:
        return max(who, whom) < ACQUAINTED or who == whom or whom in self.roles or whom in self.out

    def trim_invites(self) -> None:
        """Nobody who could not make it has a code."""
        self.invites = [
            one for one in self.invites if one.maker in self.roles and one.role in self.makeable(self.roles[one.maker])
        ]

    def go(self, who: int) -> dict[str, str]:
        """Out of everything; answers what they were in which room."""
        were = {room.id: room.members.pop(who) for room in self.rooms if who in room.members}
        del self.roles[who]
        self.trim_invites()
        return were

    def come(self, who: int, role: str) -> None:
        self.roles[who] = role
        for room in self.rooms:
            first = room.name == "general" if role == "guest" else room.default
            if room.kind == "public" and first and not room.archived and (room.id, who) not in self.banned:
                room.members[who] = "member"

    def name(self) -> str:
        self.names += 1
        return f"n{self.names}"

    # -- picking -----------------------------------------------------------------------------------------

    def room(self, number: int) -> Room:
        return self.rooms[number % len(self.rooms)]

    def whom(self, number: int) -> int:
        return number % len(self.ids)


def at_least(role: str, other: str) -> bool:
    return RANKS.index(role) >= RANKS.index(other)


def above(role: str, other: str) -> bool:
    return not at_least(other, role)


def refuse_unless(allowed: bool, status: int = 403) -> None:
    if not allowed:
        raise No(status)


DEEDS: dict[str, Callable[[World, int, int, int, int], Ask | None]] = {}


def deed(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A rule gives method, path, body, and a function that looks (may raise `No`) and answers status and `then`."""

    def act(world: World, who: int, a: int, b: int, c: int) -> Ask | None:
        told = rule(world, who, a, b, c)
        if told is None:
            return None
        method, path, body, look = told
        try:
            verdict, then = look()
        except No as no:
            verdict, then = no.status, nothing
        return Ask(method, path, body, verdict, then)

    DEEDS[rule.__name__] = act
    return rule


def nothing(_: Any) -> None:
    pass


# -- the workspace -------------------------------------------------------------------------------------------


@deed
def rename_workspace(world, who, a, b, c):
    def look():
        world.role(who)
        world.need(who, "manage_workspace")
        return 200, nothing

    return "PATCH", f"/workspaces/{world.workspace}", {"name": world.name()}, look


@deed
def change_table(world, who, a, b, c):
    """One permission or two; the others stay as they are."""
    now = {permission: world.least(permission) for permission in LEAST}
    names = sorted(LEAST)
    wish = now | {names[(a * 8 + b) % len(names)]: RANKS[c % 5]}
    if b % 2:
        wish[names[(b * 8 + a) % len(names)]] = RANKS[(a + c) % 5]

    def look():
        role = world.role(who)
        world.need(who, "manage_permissions")
        if any(least == "guest" and permission not in FOR_GUESTS for permission, least in wish.items()):
            raise No(422)
        if role != "owner":
            for permission, least in wish.items():
                if least != now[permission]:
                    refuse_unless(at_least(role, least) and at_least(role, now[permission]))

        def then(answer):
            world.table = wish
            world.trim_invites()
            assert answer["permissions"] == wish

        return 200, then

    return "PUT", f"/workspaces/{world.workspace}/permissions", {"permissions": wish}, look


@deed
def set_role(world, who, a, b, c):
    whom, role = world.whom(a), RANKS[b % 5]

    def look():
        mine = world.role(who)
        world.need(who, "manage_roles")
        was = world.role(whom)
        if mine != "owner":
            refuse_unless(at_least(mine, role) and (who == whom or above(mine, was)))
        if was == "owner" != role and world.owners() == 1:
            raise No(409)

        def then(_):
            world.roles[whom] = role
            world.trim_invites()

        return 200, then

    return "PATCH", f"/workspaces/{world.workspace}/members/{world.ids[whom]}", {"role": role}, look


def wherever(world, whom):
    if whom not in world.roles and whom not in world.out:
        raise No(404)
    return world.roles.get(whom) or world.out[whom][0]


@deed
def remove_member(world, who, a, b, c):
    whom = world.whom(a)

    def look():
        mine = world.role(who)
        theirs = wherever(world, whom)
        if who != whom:
            world.need(who, "remove_members")
            refuse_unless(mine == "owner" or above(mine, theirs))
        if whom in world.roles and theirs == "owner" and world.owners() == 1:
            raise No(409)

        def then(_):
            world.out.pop(whom, None)
            if whom in world.roles:
                world.go(whom)

        return 204, then

    return "DELETE", f"/workspaces/{world.workspace}/members/{world.ids[whom]}", None, look


@deed
def deactivate(world, who, a, b, c):
    whom = world.whom(a)

    def look():
        mine = world.role(who)
        world.need(who, "deactivate_members")
        theirs = wherever(world, whom)
        refuse_unless(above(mine, theirs))

        def then(_):
            if whom in world.roles:
                world.out[whom] = theirs, world.go(whom)

        return 200, then

    return "POST", f"/workspaces/{world.workspace}/members/{world.ids[whom]}/deactivate", None, look


@deed
def reactivate(world, who, a, b, c):
    whom = world.whom(a)

    def look():
        mine = world.role(who)
        world.need(who, "deactivate_members")
        refuse_unless(above(mine, wherever(world, whom)))

        def then(_):
            if whom in world.out:
                world.roles[whom], were = world.out.pop(whom)
                for room in world.rooms:
                    if room.id in were and (room.id, whom) not in world.banned:
                        room.members[whom] = were[room.id]

        return 200, then

    return "POST", f"/workspaces/{world.workspace}/members/{world.ids[whom]}/reactivate", None, look


@deed
def invite(world, who, a, b, c):
    role = RANKS[a % 5]

    def look():
        mine = world.role(who)
        if role == "owner":
            refuse_unless(bool(world.makeable(mine)))
            raise No(422)
        refuse_unless(role in world.makeable(mine))
        return 201, lambda answer: world.invites.append(Invite(answer["code"], role, who))

    return "POST", f"/workspaces/{world.workspace}/invites", {"role": role}, look


def some_invite(world, number):
    return world.invites[number % len(world.invites)] if world.invites else Invite("nowhere", "member", 0)


@deed
def withdraw(world, who, a, b, c):
    one = some_invite(world, a)

    def look():
        roles = world.makeable(world.role(who))
        refuse_unless(bool(roles))
        refuse_unless(one in world.invites and one.role in roles, 404)
        return 204, lambda _: world.invites.remove(one)

    return "DELETE", f"/workspaces/{world.workspace}/invites/{one.code}", None, look


@deed
def accept(world, who, a, b, c):
    one = some_invite(world, a)

    def look():
        refuse_unless(one in world.invites, 404)
        if who in world.roles:
            return 200, nothing
        refuse_unless(who not in world.out and (world.workspace, who) not in world.banned)
        return 200, lambda _: world.come(who, one.role)

    return "POST", f"/invites/{one.code}/accept", None, look


@deed
def add_member(world, who, a, b, c):
    whom, role = world.whom(a), RANKS[b % 5]

    def look():
        makeable = world.makeable(world.role(who))
        if role == "owner":
            refuse_unless(bool(makeable))
            raise No(422)
        refuse_unless(role in makeable)
        refuse_unless(world.acquainted(who, whom), 404)
        if whom in world.roles:
            return 200, nothing
        refuse_unless(whom not in world.out and (world.workspace, whom) not in world.banned, 409)
        return 201, lambda _: world.come(whom, role)

    return "POST", f"/workspaces/{world.workspace}/members", {"user_id": world.ids[whom], "role": role}, look


# -- channels ------------------------------------------------------------------------------------------------


@deed
def create_channel(world, who, a, b, c):
    kind, name = ("public", "private")[a % 2], world.name()
    if len(world.rooms) >= MOST_ROOMS:
        return None

    def look():
        world.role(who)
        world.need(who, f"create_{kind}_channel")
        refuse_unless((world.workspace, who) not in world.muted)
        return 201, lambda answer: world.rooms.append(Room(answer["id"], kind, name, {who: "owner"}))

    return "POST", f"/workspaces/{world.workspace}/channels", {"kind": kind, "name": name}, look


@deed
def open_direct(world, who, a, b, c):
    people = frozenset({who, world.whom(a)} | ({world.whom(b)} if c % 2 else set()))
    known = next((room for room in world.rooms if room.people == people), None)
    if known is None and len(world.rooms) >= MOST_ROOMS:
        return None

    def look():
        world.role(who)
        refuse_unless(all(one in world.roles for one in people), 404)

        def then(answer):
            members = dict.fromkeys(people, "member")
            if known is not None:
                known.members.update(members)
            else:
                world.rooms.append(Room(answer["id"], answer["kind"], None, members, people))

        return (200 if known else 201), then

    body = {"user_ids": [world.ids[one] for one in people - {who}] or [world.ids[who]]}
    return "POST", f"/workspaces/{world.workspace}/dms", body, look


@deed
def say_what_it_is_for(world, who, a, b, c):
    room, field_ = world.room(a), ("topic", "purpose")[b % 2]

    def look():
        world.see(who, room)
        refuse_unless(not room.direct, 409)
        if not world.may(who, "manage_channels", room):
            world.post(who, room)
        refuse_unless(not world.silent(who, room))
        refuse_unless(not room.archived, 409)
        return 200, nothing

    return "PATCH", f"/channels/{room.id}", {field_: world.name()}, look


@deed
def change_channel(world, who, a, b, c):
    room = world.room(a)
    wish = [
        {"name": world.name()},
        {"posting": ("admins", "everyone")[c % 2]},
        {"is_default": bool(c % 2)},
        {"kind": ("private", "private", "public")[c % 3]},
    ][b % 4]

    def look():
        world.see(who, room)
        refuse_unless(not room.direct, 409)
        world.need(who, "manage_channels", room)
        refuse_unless(not world.silent(who, room))
        refuse_unless(not room.archived, 409)
        kind = wish.get("kind", room.kind)
        refuse_unless(room.kind == "public" or kind == room.kind, 409)
        refuse_unless(kind == "public" or not wish.get("is_default", room.default), 409)

        def then(_):
            room.kind, room.name = kind, wish.get("name", room.name)
            room.posting, room.default = wish.get("posting", room.posting), wish.get("is_default", room.default)

        return 200, then

    return "PATCH", f"/channels/{room.id}", wish, look


@deed
def join(world, who, a, b, c):
    room = world.room(a)

    def look():
        world.see(who, room)
        refuse_unless(not room.archived, 409)
        return 200, lambda _: room.members.setdefault(who, "member")

    return "POST", f"/channels/{room.id}/join", None, look


@deed
def leave(world, who, a, b, c):
    room = world.room(a)

    def look():
        world.see(who, room)
        refuse_unless(not room.direct, 409)
        return 204, lambda _: room.members.pop(who, None)

    return "POST", f"/channels/{room.id}/leave", None, look


@deed
def archive(world, who, a, b, c):
    room, verb = world.room(a), ("archive", "unarchive", "unarchive")[b % 3]

    def look():
        world.see(who, room)
        refuse_unless(not room.direct, 409)
        world.need(who, "archive_channels", room)

        def then(_):
            room.archived = verb == "archive"

        return 200, then

    return "POST", f"/channels/{room.id}/{verb}", None, look


@deed
def delete_channel(world, who, a, b, c):
    """Afterwards it is a private room without people. Seldom: there should be something left to try."""
    if b % 3:
        return None
    room = world.room(a)

    def look():
        world.see(who, room)
        refuse_unless(not room.direct, 409)
        world.need(who, "delete_channels", room)
        refuse_unless(not room.default and (room.kind, room.name) != ("public", "general"), 409)

        def then(_):
            room.kind, room.name, room.members = "private", None, {}

        return 204, then

    return "DELETE", f"/channels/{room.id}", None, look


@deed
def add_to_channel(world, who, a, b, c):
    room, whom = world.room(a), world.whom(b)

    def look():
        world.see(who, room)
        refuse_unless(who in room.members)
        refuse_unless(not room.direct and not room.archived, 409)
        refuse_unless(world.role(who) != "guest")
        refuse_unless(whom in world.roles, 404)
        refuse_unless(whom in room.members or (room.id, whom) not in world.banned, 409)
        return (200 if whom in room.members else 201), lambda _: room.members.setdefault(whom, "member")

    return "POST", f"/channels/{room.id}/members", {"user_id": world.ids[whom]}, look


@deed
def kick(world, who, a, b, c):
    room, whom = world.room(a), world.whom(b)

    def look():
        world.see(who, room)
        refuse_unless(not room.direct, 409)
        if whom != who:
            may_kick(world, who, whom, room)
        return 204, lambda _: room.members.pop(whom, None)

    return "DELETE", f"/channels/{room.id}/members/{world.ids[whom]}", None, look


def may_kick(world, who, whom, room):
    world.need(who, "kick_members", room)
    refuse_unless(whom in room.members, 404)
    refuse_unless(world.outranks(who, whom, room))


@deed
def kick_with_a_reason(world, who, a, b, c):
    room, whom = world.room(a), world.whom(b)

    def look():
        world.see(who, room)
        refuse_unless(not room.direct, 409)
        may_kick(world, who, whom, room)
        return 204, lambda _: room.members.pop(whom, None)

    return "POST", f"/channels/{room.id}/members/{world.ids[whom]}/kick", {"reason": "why not"}, look


@deed
def set_channel_role(world, who, a, b, c):
    room, whom, role = world.room(a), world.whom(b), ("owner", "member")[c % 2]

    def look():
        world.see(who, room)
        refuse_unless(not room.direct, 409)
        world.need(who, "manage_channels", room)
        refuse_unless(not room.archived, 409)
        refuse_unless(whom in room.members, 404)
        refuse_unless(role == "member" or world.roles[whom] != "guest")

        def then(_):
            room.members[whom] = role

        return 200, then

    return "PATCH", f"/channels/{room.id}/members/{world.ids[whom]}", {"role": role}, look


# -- messages ------------------------------------------------------------------------------------------------


def some_message(world, number):
    return world.said[number % len(world.said)] if world.said else None


@deed
def send(world, who, a, b, c):
    room, everyone = world.room(a), b % 3 == 0
    body = {"text": "hello @channel" if everyone else "hello", "client_msg_id": str(uuid.uuid4())}

    def look():
        world.see(who, room)
        world.post(who, room)
        refuse_unless(not room.archived, 409)

        def then(answer):
            heard = everyone and world.may(who, "mention_everyone", room)
            assert answer["message"]["audience"] == ("channel" if heard else None)
            world.said.append(Said(answer["message"]["id"], room, who))

        return 201, then

    return "POST", f"/channels/{room.id}/messages", body, look


@deed
def reply(world, who, a, b, c):
    if (root := some_message(world, a)) is None:
        return None
    room = root.room
    body = {"text": "well", "client_msg_id": str(uuid.uuid4()), "thread_id": root.id}

    def look():
        world.see(who, room)
        world.post(who, room)
        refuse_unless(not room.archived, 409)
        refuse_unless(not root.reply, 422)
        return 201, lambda answer: world.said.append(Said(answer["message"]["id"], room, who, reply=True))

    return "POST", f"/channels/{room.id}/messages", body, look


@deed
def edit(world, who, a, b, c):
    if (one := some_message(world, a)) is None:
        return None

    def look():
        world.see(who, one.room)
        refuse_unless(one.author == who and not one.forwarded)
        refuse_unless(who in one.room.members and not world.silent(who, one.room))
        refuse_unless(one.deleted_by is None and not one.room.archived, 409)

        def then(answer):
            heard = world.may(who, "mention_everyone", one.room)
            assert answer["message"]["audience"] == ("here" if heard else None)

        return 200, then

    return "PATCH", f"/messages/{one.id}", {"text": f"@here {world.name()}"}, look


def may_delete(world, who, one):
    world.see(who, one.room)
    if one.author != who:
        world.need(who, "delete_messages", one.room)


@deed
def delete(world, who, a, b, c):
    if (one := some_message(world, a)) is None:
        return None

    def look():
        may_delete(world, who, one)

        def then(_):
            one.deleted_by = who if one.deleted_by is None else one.deleted_by

        return 200, then

    return "DELETE", f"/messages/{one.id}", None, look


@deed
def restore(world, who, a, b, c):
    if (one := some_message(world, a)) is None:
        return None

    def look():
        may_delete(world, who, one)
        refuse_unless(not world.silent(who, one.room))
        if one.deleted_by is not None:
            refuse_unless(one.deleted_by == who)
            refuse_unless(not one.room.archived, 409)

        def then(_):
            one.deleted_by = None

        return 200, then

    return "POST", f"/messages/{one.id}/restore", None, look


@deed
def forward(world, who, a, b, c):
    if (one := some_message(world, a)) is None:
        return None
    room = world.room(b)
    body = {"channel_id": room.id, "client_msg_id": str(uuid.uuid4())}

    def look():
        world.see(who, one.room)
        world.see(who, room)
        world.post(who, room)
        refuse_unless(one.deleted_by is None and not room.archived, 409)
        return 201, lambda answer: world.said.append(Said(answer["message"]["id"], room, who, forwarded=True))

    return "POST", f"/messages/{one.id}/forward", body, look


@deed
def mark(world, who, a, b, c):
    """Reactions and pins: for the whole channel to see."""
    if (one := some_message(world, a)) is None:
        return None
    method, place = ("PUT", "DELETE")[c % 2], ("pin", "reactions/👍")[b % 2]

    def look():
        world.see(who, one.room)
        refuse_unless(who in one.room.members and not world.silent(who, one.room))
        if place == "pin":
            world.need(who, "pin_messages", one.room)
        refuse_unless(not one.room.archived and one.deleted_by is None, 409)
        return 200, nothing

    return method, f"/messages/{one.id}/{place}", None, look


@deed
def save(world, who, a, b, c):
    if (one := some_message(world, a)) is None:
        return None
    method = ("PUT", "DELETE")[c % 2]

    def look():
        world.see(who, one.room)
        refuse_unless(method == "DELETE" or one.deleted_by is None, 409)
        return 204, nothing

    return method, f"/messages/{one.id}/save", None, look


# -- keeping the peace ---------------------------------------------------------------------------------------

UNTIL = "2099-01-01T00:00:00Z"


def sanction(kind):
    """`ban` or `mute`: the place's name in the address, the permission, and where the world keeps it."""
    return f"{kind}s", f"{kind}_members", {"ban": "banned", "mute": "muted"}[kind]


def lay_or_lift(world, who, whom, place, kept, *, lay, room=None):
    """Once it is known that who acts may, and outranks the other."""
    held = (place, whom) in kept
    if not lay:
        return 204, lambda _: kept.discard((place, whom))
    refuse_unless(held or whom in world.roles, 404)

    def then(_):
        kept.add((place, whom))
        if kept is world.banned and room is not None:
            room.members.pop(whom, None)
        elif kept is world.banned and whom in world.roles:
            world.go(whom)

    return 200, then


@deed
def act_in_channel(world, who, a, b, c):
    room, whom, lay = world.room(a), world.whom(b), c % 4 < 2
    name, permission, kept = sanction(("ban", "mute")[c % 2])

    def look():
        world.see(who, room)
        refuse_unless(not room.direct, 409)
        world.need(who, permission, room)
        refuse_unless(world.outranks(who, whom, room))
        return lay_or_lift(world, who, whom, room.id, getattr(world, kept), lay=lay, room=room)

    body = {"until": UNTIL, "reason": world.name()} if lay else None
    return ("PUT" if lay else "DELETE"), f"/channels/{room.id}/{name}/{world.ids[whom]}", body, look


@deed
def act_in_workspace(world, who, a, b, c):
    whom, lay = world.whom(b), c % 4 < 2
    name, permission, kept = sanction(("ban", "mute")[c % 2])

    def look():
        world.role(who)
        world.need(who, permission)
        refuse_unless(world.outranks(who, whom))
        return lay_or_lift(world, who, whom, world.workspace, getattr(world, kept), lay=lay)

    body = {"until": UNTIL, "reason": world.name()} if lay else None
    return ("PUT" if lay else "DELETE"), f"/workspaces/{world.workspace}/{name}/{world.ids[whom]}", body, look


@deed
def look_at_sanctions(world, who, a, b, c):
    room = world.room(a) if b % 2 else None
    name, permission, kept = sanction(("ban", "mute")[c % 2])
    place = room.id if room else world.workspace

    def look():
        if room is None:
            world.role(who)
        else:
            world.see(who, room)
        world.need(who, permission, room)

        def then(answer):
            people = {world.ids.index(item["user"]["id"]) for item in answer["items"]}
            assert people == {whom for where, whom in getattr(world, kept) if where == place}

        return 200, then

    return "GET", f"/{'channels' if room else 'workspaces'}/{place}/{name}", None, look


@deed
def report(world, who, a, b, c):
    if (one := some_message(world, a)) is None:
        return None

    def look():
        world.see(who, one.room)
        refuse_unless(one.deleted_by is None, 409)
        new = (one.id, who) not in world.reported
        return (201 if new else 200), lambda _: world.reported.add((one.id, who))

    return "POST", f"/messages/{one.id}/report", {"category": "other"}, look


@deed
def look_at_reports(world, who, a, b, c):
    def look():
        world.role(who)
        world.need(who, "review_reports")

        def then(answer):
            found = {
                (one["report"]["message_id"], world.ids.index(one["report"]["reporter_id"])) for one in answer["items"]
            }
            mine = {one.id for one in world.said if one.author == who}
            assert found == {(message, by) for message, by in world.reported if message not in mine}

        return 200, then

    return "GET", f"/workspaces/{world.workspace}/reports?limit=200", None, look


# -- what concerns oneself -----------------------------------------------------------------------------------


@deed
def draft(world, who, a, b, c):
    room, method = world.room(a), ("PUT", "DELETE")[c % 2]

    def look():
        world.see(who, room)
        return (200 if method == "PUT" else 204), nothing

    return method, f"/channels/{room.id}/draft", {"text": "half"} if method == "PUT" else None, look


@deed
def attend(world, who, a, b, c):
    room = world.room(a)
    place, body = [("read", {"seq": c}), ("preferences", {"muted": bool(c % 2)})][b % 2]

    def look():
        world.see(who, room)
        refuse_unless(who in room.members)
        return 200, nothing

    return "PUT", f"/channels/{room.id}/{place}", body, look


@deed
def read_all(world, who, a, b, c):
    def look():
        world.role(who)
        return 200, nothing

    return "POST", f"/workspaces/{world.workspace}/read-all", None, look


@deed
def follow(world, who, a, b, c):
    if (one := some_message(world, a)) is None:
        return None

    def look():
        world.see(who, one.room)
        refuse_unless(not one.reply, 404)
        return 204, nothing

    return ("PUT", "DELETE")[c % 2], f"/threads/{one.id}/follow", None, look


# -- what is read under a permission -------------------------------------------------------------------------


@deed
def look_at_audit(world, who, a, b, c):
    def look():
        world.role(who)
        world.need(who, "view_audit")
        return 200, nothing

    return "GET", f"/workspaces/{world.workspace}/audit", None, look


@deed
def look_at_invites(world, who, a, b, c):
    def look():
        roles = world.makeable(world.role(who))
        refuse_unless(bool(roles))

        def then(answer):
            codes = {one["code"] for one in answer["items"]}
            assert codes == {one.code for one in world.invites if one.role in roles}

        return 200, then

    return "GET", f"/workspaces/{world.workspace}/invites", None, look


@deed
def look_at_permissions(world, who, a, b, c):
    def look():
        role = world.role(who)

        def then(answer):
            assert set(answer["mine"]) == {one for one in LEAST if at_least(role, world.least(one))}

        return 200, then

    return "GET", f"/workspaces/{world.workspace}/permissions", None, look
