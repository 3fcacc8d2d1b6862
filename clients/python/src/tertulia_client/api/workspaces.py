"""Workspaces, their members and the codes that invite more."""

from collections.abc import AsyncIterator, Sequence

import msgspec

from tertulia_client.caller import Caller
from tertulia_client.models import (
    AuditEntry,
    Bootstrap,
    Invite,
    Member,
    Page,
    Permissions,
    Role,
    Sidebar,
    Workspace,
    WorkspaceMembership,
)
from tertulia_client.pages import every
from tertulia_client.transport import decode


class _Workspaces(msgspec.Struct):
    items: list[WorkspaceMembership]


class _Invites(msgspec.Struct):
    items: list[Invite]


class Workspaces:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def create(self, name: str, *, slug: str | None = None) -> Workspace:
        """With a public channel `general`; the creator is the owner. Raises Conflict (`slug_taken`)."""
        body = {"name": name} if slug is None else {"name": name, "slug": slug}
        return decode(await self._caller.once("/workspaces", body), Workspace)

    async def mine(self) -> list[WorkspaceMembership]:
        return (await self._caller.get("/workspaces", _Workspaces)).items

    async def get(self, workspace_id: str) -> Workspace:
        """Raises NotFound."""
        return await self._caller.get(f"/workspaces/{workspace_id}", Workspace)

    async def rename(self, workspace_id: str, name: str) -> Workspace:
        """Raises Forbidden, NotFound."""
        content = await self._caller.request("PATCH", f"/workspaces/{workspace_id}", body={"name": name}, safe=True)
        return decode(content, Workspace)

    async def bootstrap(self, workspace_id: str) -> Bootstrap:
        """Raises NotFound."""
        return await self._caller.get(f"/workspaces/{workspace_id}/bootstrap", Bootstrap)

    async def sidebar(self, workspace_id: str) -> Sidebar:
        """How I arranged its channels. Raises NotFound."""
        return await self._caller.get(f"/workspaces/{workspace_id}/sidebar", Sidebar)

    async def arrange_sidebar(self, workspace_id: str, sidebar: Sidebar) -> Sidebar:
        """The whole of it; `version` is the one that was arranged anew.

        Raises NotFound, ValidationFailed, Conflict (`sidebar_stale`).
        """
        body = msgspec.to_builtins(sidebar)
        content = await self._caller.request("PUT", f"/workspaces/{workspace_id}/sidebar", body=body, safe=True)
        return decode(content, Sidebar)

    def members(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[Member]:
        return every(self._caller, f"/workspaces/{workspace_id}/members", Page[Member], page_size)

    async def add_member(
        self,
        workspace_id: str,
        *,
        user_id: str | None = None,
        username: str | None = None,
        role: Role = Role.MEMBER,
        channel_ids: Sequence[str] | None = None,
    ) -> Member:
        """Let in somebody who shares a workspace with me, named either way; a guest into these channels.

        Who is in already stays as they are. Raises Forbidden, NotFound, Conflict (`person_banned`,
        `person_deactivated`), ValidationFailed.
        """
        person = {"user_id": user_id} if username is None else {"username": username}
        where = {} if channel_ids is None else {"channel_ids": list(channel_ids)}
        content = await self._caller.once(f"/workspaces/{workspace_id}/members", {**person, "role": role, **where})
        return decode(content, Member)

    async def set_role(self, workspace_id: str, user_id: str, role: Role) -> None:
        """Raises Forbidden, NotFound, Conflict (`last_owner`)."""
        await self._caller.request(
            "PATCH", f"/workspaces/{workspace_id}/members/{user_id}", body={"role": role}, safe=True
        )

    async def remove_member(self, workspace_id: str, user_id: str) -> None:
        """One's own id leaves. Raises Forbidden, NotFound, Conflict (`last_owner`)."""
        await self._caller.request("DELETE", f"/workspaces/{workspace_id}/members/{user_id}")

    async def deactivate(self, workspace_id: str, user_id: str) -> Member:
        """Raises Forbidden, NotFound."""
        path = f"/workspaces/{workspace_id}/members/{user_id}/deactivate"
        return decode(await self._caller.request("POST", path, safe=True), Member)

    async def reactivate(self, workspace_id: str, user_id: str) -> Member:
        """Raises Forbidden, NotFound."""
        path = f"/workspaces/{workspace_id}/members/{user_id}/reactivate"
        return decode(await self._caller.request("POST", path, safe=True), Member)

    async def permissions(self, workspace_id: str) -> Permissions:
        return await self._caller.get(f"/workspaces/{workspace_id}/permissions", Permissions)

    async def set_permissions(self, workspace_id: str, permissions: dict[str, Role]) -> Permissions:
        """The whole table; what is left out is the default. Raises Forbidden, NotFound."""
        path = f"/workspaces/{workspace_id}/permissions"
        content = await self._caller.request("PUT", path, body={"permissions": permissions}, safe=True)
        return decode(content, Permissions)

    def audit(self, workspace_id: str, *, page_size: int | None = None) -> AsyncIterator[AuditEntry]:
        """The newest first. Raises Forbidden, NotFound."""
        return every(self._caller, f"/workspaces/{workspace_id}/audit", Page[AuditEntry], page_size)

    async def invite(
        self,
        workspace_id: str,
        *,
        role: Role = Role.MEMBER,
        max_uses: int | None = None,
        expires_in_s: int = 7 * 24 * 3600,
    ) -> Invite:
        """Raises Forbidden, NotFound."""
        body = {"role": role, "max_uses": max_uses, "expires_in_s": expires_in_s}
        return decode(await self._caller.once(f"/workspaces/{workspace_id}/invites", body), Invite)

    async def invites(self, workspace_id: str) -> list[Invite]:
        return (await self._caller.get(f"/workspaces/{workspace_id}/invites", _Invites)).items

    async def revoke_invite(self, workspace_id: str, code: str) -> None:
        await self._caller.request("DELETE", f"/workspaces/{workspace_id}/invites/{code}")

    async def accept_invite(self, code: str) -> WorkspaceMembership:
        """Joins the workspace and `general`; again is harmless. Raises NotFound, Gone (`invite_expired`)."""
        content = await self._caller.request("POST", f"/invites/{code}/accept", safe=True)
        return decode(content, WorkspaceMembership)
