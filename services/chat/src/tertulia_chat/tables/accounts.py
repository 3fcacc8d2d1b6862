"""People, their sessions, and the keys that sign their tokens."""

from datetime import datetime, time
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import Json, UtcTime, new_id, now
from tertulia_shared.events import PresenceSettings, PresenceWish, QuietHours, Status, User, UserKind


class Me(User, frozen=True, kw_only=True):
    """My own profile, with what only I see."""

    email: str
    preferences: dict[str, Any]
    presence: PresenceSettings


class UserRow(SQLModel, table=True):
    """`username` and `email` are stored in lower case; `password_hash` is Argon2id in PHC form."""

    __tablename__ = "user_account"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    username: str
    email: str
    display_name: str
    password_hash: str
    preferences: dict[str, Any] = Field(default={}, sa_type=Json)
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    deactivated_at: datetime | None = Field(default=None, sa_type=UtcTime)
    kind: str = UserKind.PERSON
    status_emoji: str | None = None
    status_text: str = ""
    status_until: datetime | None = Field(default=None, sa_type=UtcTime)
    presence: str = PresenceWish.AUTO
    dnd_until: datetime | None = Field(default=None, sa_type=UtcTime)
    time_zone: str | None = None
    quiet_starts: time | None = None
    quiet_ends: time | None = None

    def view(self) -> User:
        return User(
            id=str(self.id),
            username=self.username,
            display_name=self.display_name,
            created_at=self.created_at,
            deactivated_at=self.deactivated_at,
            kind=UserKind(self.kind),
            status=self.view_status(),
        )

    def view_status(self) -> Status | None:
        """None also for one that is over: nothing sweeps the rows."""
        if not (self.status_emoji or self.status_text) or not _lies_ahead(self.status_until):
            return None
        return Status(emoji=self.status_emoji, text=self.status_text, until=self.status_until)

    def view_presence(self) -> PresenceSettings:
        silent = self.dnd_until is not None and _lies_ahead(self.dnd_until)
        return PresenceSettings(
            state=PresenceWish(self.presence),
            dnd_until=self.dnd_until if silent else None,
            time_zone=self.time_zone,
            quiet_hours=self._view_quiet_hours(),
        )

    def _view_quiet_hours(self) -> QuietHours | None:
        if self.quiet_starts is None or self.quiet_ends is None:
            return None
        return QuietHours(starts=f"{self.quiet_starts:%H:%M}", ends=f"{self.quiet_ends:%H:%M}")

    def view_me(self) -> Me:
        """For this person's own eyes."""
        return Me(
            **msgspec.structs.asdict(self.view()),
            email=self.email,
            preferences=self.preferences,
            presence=self.view_presence(),
        )


def _lies_ahead(end: datetime | None) -> bool:
    """None is no end."""
    return end is None or end > now()


class SessionRow(SQLModel, table=True):
    """One login on one device. It ends once, by `revoked_at`."""

    __tablename__ = "session"  # pyright: ignore[reportAssignmentType]

    id: UUID = Field(default_factory=new_id, primary_key=True)
    user_id: UUID
    user_agent: str | None = None
    ip: str | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    last_used_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcTime)
    revoked_reason: str | None = None


class RefreshTokenRow(SQLModel, table=True):
    """A link in a session's chain of refresh tokens. Only its SHA-256 is stored."""

    __tablename__ = "refresh_token"  # pyright: ignore[reportAssignmentType]

    token_hash: bytes = Field(primary_key=True)
    session_id: UUID
    parent_hash: bytes | None = None
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(default=None, sa_type=UtcTime)


class SigningKeyRow(SQLModel, table=True):
    """An Ed25519 key pair: the public half as a JWK, the private half sealed with a key derived from SECRET_KEY."""

    __tablename__ = "signing_key"  # pyright: ignore[reportAssignmentType]

    kid: str = Field(primary_key=True)
    public_jwk: dict[str, Any] = Field(sa_type=Json)
    sealed_private: bytes
    created_at: datetime = Field(default_factory=now, sa_type=UtcTime)
