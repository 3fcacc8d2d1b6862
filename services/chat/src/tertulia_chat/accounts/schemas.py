"""What the account addresses take and answer."""

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, UnsetType

from tertulia_chat.tables.accounts import Me
from tertulia_shared.edge import Body
from tertulia_shared.events import PresenceWish, Status, View

# Python's `$` also stands before a last newline; `(?!\n)` says that there is none, in Python as in ECMAScript.
Username = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9][a-z0-9._-]{1,31}$(?!\n)", description="2 to 32 of a-z, 0-9, dot, underscore, hyphen."),
]
Password = Annotated[str, Meta(min_length=8, max_length=128)]
AnyPassword = Annotated[str, Meta(max_length=1024)]
Email = Annotated[
    str,
    Meta(
        pattern=r"^[^@\s\x00-\x1f\x7f]+@[^@\s.\x00-\x1f\x7f]+(\.[^@\s.\x00-\x1f\x7f]+)*$(?!\n)",
        min_length=3,
        max_length=254,
    ),
]
DisplayName = Annotated[str, Meta(pattern=r"\S", min_length=1, max_length=80)]
MAX_STATUS_TEXT = 100
Moment = Annotated[datetime, Meta(tz=True)]
TimeZone = Annotated[str, Meta(min_length=1, max_length=64, description="An IANA name: Europe/Madrid …")]
ClockTime = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)")]
RefreshToken = Annotated[str, Meta(max_length=256)]


class FirstRun(View, frozen=True, kw_only=True):
    """`pending`: nobody has an account yet, so whoever comes founds the first."""

    pending: bool


class Register(Body, frozen=True, kw_only=True):
    email: Email
    username: Username
    password: Password
    display_name: DisplayName


class Login(Body, frozen=True, kw_only=True):
    """`login` is the username or the e-mail address."""

    login: Annotated[str, Meta(min_length=1, max_length=254)]
    password: AnyPassword


class Refresh(Body, frozen=True, kw_only=True):
    """Browsers send the cookie instead."""

    refresh_token: RefreshToken | None = None


class ChangePassword(Body, frozen=True, kw_only=True):
    current_password: AnyPassword
    new_password: Password


class PatchMe(Body, frozen=True, kw_only=True):
    """What is absent stays. `preferences` replaces all of them; at most 16 KiB of JSON."""

    display_name: DisplayName | UnsetType = UNSET
    preferences: dict[str, Any] | UnsetType = UNSET


class SetStatus(Body, frozen=True, kw_only=True):
    """An emoji, a text of at most 100 characters, or both. `until` is in the future and at most a year away; without
    it the status stays until it is taken away."""

    emoji: Annotated[str, Meta(min_length=1)] | None = None
    text: Annotated[str, Meta(max_length=MAX_STATUS_TEXT)] = ""
    until: Moment | None = None


class PresentStatus(View, frozen=True, kw_only=True):
    """`status` is null when there is none."""

    status: Status | None


class SetQuietHours(Body, frozen=True, kw_only=True):
    """Every day from `starts` to `ends`, `HH:MM` by my own clock; over midnight if `ends` comes first."""

    starts: ClockTime
    ends: ClockTime


class SetPresence(Body, frozen=True, kw_only=True):
    """What is absent stays. Until `dnd_until`, at most a year away, I do not want to be notified; null ends that.

    `time_zone` is where my clock is, which `quiet_hours` are counted by; null ends these.
    """

    state: PresenceWish | UnsetType = UNSET
    dnd_until: Moment | UnsetType | None = UNSET
    time_zone: TimeZone | UnsetType = UNSET
    quiet_hours: SetQuietHours | UnsetType | None = UNSET


class AuthResult(View, frozen=True, kw_only=True):
    """`expires_in` is in seconds. `refresh_token` is null for browsers, which get it as a cookie."""

    user: Me
    access_token: str
    expires_in: int
    refresh_token: str | None
    token_type: str = "Bearer"  # noqa: S105 the scheme's name


class SessionView(View, frozen=True, kw_only=True):
    id: str
    created_at: datetime
    last_used_at: datetime
    user_agent: str | None
    ip: str | None
    current: bool


class SessionList(View, frozen=True, kw_only=True):
    items: list[SessionView]
