"""Profiles."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tertulia_client.caller import Caller
from tertulia_client.models import Me, PresenceSettings, PresenceWish, QuietHours, User
from tertulia_client.transport import decode


class Users:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def me(self) -> Me:
        return await self._caller.get("/users/me", Me)

    async def update_me(self, *, display_name: str | None = None, preferences: Mapping[str, Any] | None = None) -> Me:
        """What is None stays as it is."""
        given = {"display_name": display_name, "preferences": preferences}
        body = {name: value for name, value in given.items() if value is not None}
        return decode(await self._caller.request("PATCH", "/users/me", body=body, safe=True), Me)

    async def set_status(self, *, emoji: str | None = None, text: str = "", until: datetime | None = None) -> None:
        """An emoji, a text, or both, until then or until it is taken away. Raises ValidationFailed."""
        body = {"emoji": emoji, "text": text, "until": until}
        await self._caller.request("PUT", "/users/me/status", body=body, safe=True)

    async def drop_status(self) -> None:
        await self._caller.request("DELETE", "/users/me/status", safe=True)

    async def appear(self, state: PresenceWish) -> PresenceSettings:
        """How I want to appear to others."""
        return await self._set_presence({"state": state})

    async def be_quiet(self, until: datetime | None) -> PresenceSettings:
        """Until when I do not want to be notified; None ends that."""
        return await self._set_presence({"dnd_until": until})

    async def keep_quiet_hours(self, hours: QuietHours | None, *, time_zone: str | None = None) -> PresenceSettings:
        """When I do not want to be notified, every day by the clock of this time zone (None: of the one that is known);
        None ends that. Raises ValidationFailed."""
        place = {} if time_zone is None else {"time_zone": time_zone}
        return await self._set_presence({"quiet_hours": hours, **place})

    async def _set_presence(self, body: object) -> PresenceSettings:
        return decode(await self._caller.request("PUT", "/users/me/presence", body=body, safe=True), PresenceSettings)

    async def get(self, user_id: str) -> User:
        """Raises NotFound."""
        return await self._caller.get(f"/users/{user_id}", User)
