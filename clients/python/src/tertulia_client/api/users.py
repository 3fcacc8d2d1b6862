"""Profiles."""

from collections.abc import Mapping
from typing import Any

from tertulia_client.caller import Caller
from tertulia_client.models import Me, User
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

    async def get(self, user_id: str) -> User:
        """Raises NotFound."""
        return await self._caller.get(f"/users/{user_id}", User)
