"""The permissions, the order of the roles, and the rule in Python and in SQL, side by side.

An owner may everything: no role is above theirs, so nothing can be taken from them.
"""

from collections.abc import Mapping
from enum import StrEnum

from tertulia_shared.events import Role

ORDER = (Role.GUEST, Role.MEMBER, Role.MODERATOR, Role.ADMIN, Role.OWNER)
"""The weakest first."""
_STRENGTH = {role: strength for strength, role in enumerate(ORDER)}


class Permission(StrEnum):
    """What a role may be allowed. In a channel it counts for who may know the channel."""

    CREATE_PUBLIC_CHANNEL = "create_public_channel"
    CREATE_PRIVATE_CHANNEL = "create_private_channel"
    MANAGE_CHANNELS = "manage_channels"
    """Rename, convert, decide who posts and who owns it; and write where not everybody does."""
    ARCHIVE_CHANNELS = "archive_channels"
    DELETE_CHANNELS = "delete_channels"
    """For good, with all that was said in them. Who owns a channel does not have it for that."""
    INVITE_MEMBERS = "invite_members"
    INVITE_GUESTS = "invite_guests"
    MANAGE_ROLES = "manage_roles"
    REMOVE_MEMBERS = "remove_members"
    """From the workspace, for good."""
    DEACTIVATE_MEMBERS = "deactivate_members"
    DELETE_MESSAGES = "delete_messages"
    """Somebody else's."""
    PIN_MESSAGES = "pin_messages"
    MENTION_EVERYONE = "mention_everyone"
    """`@channel` and `@here` address the channel."""
    KICK_MEMBERS = "kick_members"
    """Out of a channel."""
    BAN_MEMBERS = "ban_members"
    MUTE_MEMBERS = "mute_members"
    SET_SLOW_MODE = "set_slow_mode"
    REVIEW_REPORTS = "review_reports"
    VIEW_AUDIT = "view_audit"
    MANAGE_PERMISSIONS = "manage_permissions"
    MANAGE_WORKSPACE = "manage_workspace"
    """Its name, and which former texts it keeps."""


DEFAULTS: Mapping[Permission, Role] = {
    Permission.CREATE_PUBLIC_CHANNEL: Role.MEMBER,
    Permission.CREATE_PRIVATE_CHANNEL: Role.MEMBER,
    Permission.MANAGE_CHANNELS: Role.ADMIN,
    Permission.ARCHIVE_CHANNELS: Role.ADMIN,
    Permission.DELETE_CHANNELS: Role.ADMIN,
    Permission.INVITE_MEMBERS: Role.ADMIN,
    Permission.INVITE_GUESTS: Role.ADMIN,
    Permission.MANAGE_ROLES: Role.ADMIN,
    Permission.REMOVE_MEMBERS: Role.ADMIN,
    Permission.DEACTIVATE_MEMBERS: Role.ADMIN,
    Permission.DELETE_MESSAGES: Role.MODERATOR,
    Permission.PIN_MESSAGES: Role.GUEST,
    Permission.MENTION_EVERYONE: Role.GUEST,
    Permission.KICK_MEMBERS: Role.MODERATOR,
    Permission.BAN_MEMBERS: Role.MODERATOR,
    Permission.MUTE_MEMBERS: Role.MODERATOR,
    Permission.SET_SLOW_MODE: Role.MODERATOR,
    Permission.REVIEW_REPORTS: Role.MODERATOR,
    Permission.VIEW_AUDIT: Role.ADMIN,
    Permission.MANAGE_PERMISSIONS: Role.ADMIN,
    Permission.MANAGE_WORKSPACE: Role.ADMIN,
}
"""The least role that has each."""

LOWEST: Mapping[Permission, Role] = {
    permission: Role.GUEST if permission in {Permission.PIN_MESSAGES, Permission.MENTION_EVERYONE} else Role.MEMBER
    for permission in Permission
}
"""How far down each may be given: guests are no part of the house and govern nothing."""

OF_CHANNEL_OWNERS = frozenset(
    {
        Permission.MANAGE_CHANNELS,
        Permission.ARCHIVE_CHANNELS,
        Permission.PIN_MESSAGES,
        Permission.MENTION_EVERYONE,
        Permission.KICK_MEMBERS,
        Permission.BAN_MEMBERS,
        Permission.MUTE_MEMBERS,
        Permission.SET_SLOW_MODE,
    }
)
"""What an owner of a channel, who is no guest, may in it whatever their role in the workspace."""


def outranks(role: Role, other: Role) -> bool:
    return _STRENGTH[role] > _STRENGTH[other]


def least(stored: Mapping[str, str], permission: Permission) -> Role:
    """Which role has it at least, by a workspace's differences."""
    return Role(stored.get(permission, DEFAULTS[permission]))


def has(stored: Mapping[str, str], role: Role, permission: Permission) -> bool:
    return not outranks(least(stored, permission), role)


def held_by(stored: Mapping[str, str], role: Role) -> list[Permission]:
    return [permission for permission in Permission if has(stored, role, permission)]


def table_of(stored: Mapping[str, str]) -> dict[Permission, Role]:
    """The whole table."""
    return {permission: least(stored, permission) for permission in Permission}


def differences(table: Mapping[Permission, Role]) -> dict[str, str]:
    """What of a table a workspace stores."""
    return {str(permission): str(role) for permission, role in table.items() if role != DEFAULTS[permission]}


def has_in_sql(permission: Permission, *, stored: str, role: str) -> str:
    """`has` for statements; `stored` and `role` are columns."""
    order = ", ".join(f"'{one}'" for one in ORDER)
    needed = f"coalesce({stored} ->> '{permission}', '{DEFAULTS[permission]}')"
    return f"array_position(ARRAY[{order}], {role}) >= array_position(ARRAY[{order}], {needed})"
