"""/workspaces and /invites."""

from typing import Annotated
from uuid import UUID

from litestar import Controller, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from tertulia_chat.access import access_workspace
from tertulia_chat.audit import Action
from tertulia_chat.audit.denials import AUDITED
from tertulia_chat.caller import Caller
from tertulia_chat.database import Database
from tertulia_chat.edge import Cursor
from tertulia_chat.idempotency import post
from tertulia_chat.workspaces import adding, commands, deactivation, invites, members, queries, rights
from tertulia_chat.workspaces.inviting import checked_makeable
from tertulia_chat.workspaces.schemas import (
    AddWorkspaceMember,
    Invite,
    InviteList,
    Member,
    MemberPage,
    Membership,
    NewInvite,
    NewWorkspace,
    PatchMember,
    PatchWorkspace,
    PermissionTable,
    PutPermissions,
    WorkspaceList,
)
from tertulia_shared.edge import GONE, PROBLEMS, Limit, answer, delete, get, patch, put
from tertulia_shared.events import Workspace

Deactivated = Annotated[bool, QueryParameter(description="Instead, who did and is deactivated.")]


class WorkspaceController(Controller):
    path = "/workspaces"
    tags = ("workspaces",)

    @post("/", summary="Found a workspace with the channel `general`")
    async def create(
        self, caller: NamedDependency[Caller], data: JSONBody[NewWorkspace], database: NamedDependency[Database]
    ) -> Workspace:
        async with database.transaction() as session:
            return await commands.found(session, caller.user_id, data.name, data.slug)

    @get("/", summary="The workspaces I belong to")
    async def index(self, caller: NamedDependency[Caller], database: NamedDependency[Database]) -> WorkspaceList:
        async with database.transaction() as session:
            return WorkspaceList(items=await queries.workspaces_of(session, caller.user_id))

    @get("/{workspace_id:uuid}", summary="One workspace")
    async def show(
        self, caller: NamedDependency[Caller], workspace_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> Workspace:
        async with database.transaction() as session:
            return (await access_workspace(session, caller.user_id, workspace_id)).workspace.view()

    @patch(
        "/{workspace_id:uuid}",
        summary="Rename a workspace, or decide which former texts it keeps",
        opt={AUDITED: Action.WORKSPACE_UPDATED},
    )
    async def update(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[PatchWorkspace],
        database: NamedDependency[Database],
    ) -> Workspace:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id, lock=True)
            return await commands.update(session, seat, data, caller.user_id)

    @get("/{workspace_id:uuid}/members", summary="Who belongs to a workspace")
    async def members(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        database: NamedDependency[Database],
        deactivated: Deactivated = False,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> MemberPage:
        async with database.transaction() as session:
            await access_workspace(session, caller.user_id, workspace_id)
            page = queries.deactivated_page if deactivated else queries.members_page
            return await page(session, workspace_id, limit, cursor)

    @post(
        "/{workspace_id:uuid}/members",
        summary="Let somebody in who shares another workspace with me",
        opt={AUDITED: Action.MEMBER_ADDED},
        responses={**PROBLEMS, 200: answer(Member, "They were in already.")},
    )
    async def add_member(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[AddWorkspaceMember],
        database: NamedDependency[Database],
    ) -> Response[Member]:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id, lock=True)
            member, added = await adding.add(session, seat, data, caller.user_id)
        return Response(member, status_code=201 if added else 200)

    @get("/{workspace_id:uuid}/permissions", summary="Which role may what, and what I may")
    async def permissions(
        self, caller: NamedDependency[Caller], workspace_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> PermissionTable:
        async with database.transaction() as session:
            return rights.show(await access_workspace(session, caller.user_id, workspace_id))

    @put(
        "/{workspace_id:uuid}/permissions",
        summary="Decide which role may what",
        opt={AUDITED: Action.PERMISSIONS_UPDATED},
    )
    async def change_permissions(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[PutPermissions],
        database: NamedDependency[Database],
    ) -> PermissionTable:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id, lock=True)
            return await rights.change(session, seat, data.permissions, caller.user_id)

    @post(
        "/{workspace_id:uuid}/members/{user_id:uuid}/deactivate",
        status_code=200,
        summary="Shut somebody out; their messages and their place are kept",
        opt={AUDITED: Action.MEMBER_DEACTIVATED},
    )
    async def deactivate_member(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        user_id: FromPath[UUID],
        database: NamedDependency[Database],
    ) -> Member:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id, lock=True)
            return await deactivation.deactivate(session, seat, user_id, caller.user_id)

    @post(
        "/{workspace_id:uuid}/members/{user_id:uuid}/reactivate",
        status_code=200,
        summary="Give somebody their place back",
        opt={AUDITED: Action.MEMBER_REACTIVATED},
    )
    async def reactivate_member(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        user_id: FromPath[UUID],
        database: NamedDependency[Database],
    ) -> Member:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id, lock=True)
            return await deactivation.reactivate(session, seat, user_id, caller.user_id)

    @patch(
        "/{workspace_id:uuid}/members/{user_id:uuid}",
        summary="Give somebody another role",
        opt={AUDITED: Action.MEMBER_ROLE_CHANGED},
    )
    async def update_member(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        user_id: FromPath[UUID],
        data: JSONBody[PatchMember],
        database: NamedDependency[Database],
    ) -> Member:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id, lock=True)
            return await members.set_role(session, seat, user_id, data.role, caller.user_id)

    @delete(
        "/{workspace_id:uuid}/members/{user_id:uuid}",
        status_code=204,
        summary="Leave, or remove somebody",
        opt={AUDITED: Action.MEMBER_REMOVED},
    )
    async def remove_member(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        user_id: FromPath[UUID],
        database: NamedDependency[Database],
    ) -> None:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id, lock=True)
            await members.remove(session, seat, user_id, caller.user_id)

    @post(
        "/{workspace_id:uuid}/invites",
        summary="Make a code that lets people in",
        opt={AUDITED: Action.INVITE_CREATED},
    )
    async def create_invite(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        data: JSONBody[NewInvite],
        database: NamedDependency[Database],
    ) -> Invite:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id, lock=True)
            return await invites.create(session, seat, data, caller.user_id)

    @get(
        "/{workspace_id:uuid}/invites",
        summary="The codes that still let people in, as far as I could make them",
        opt={AUDITED: Action.INVITES_READ},
    )
    async def invites(
        self, caller: NamedDependency[Caller], workspace_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> InviteList:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id)
            return InviteList(items=await queries.open_invites(session, workspace_id, checked_makeable(seat)))

    @delete(
        "/{workspace_id:uuid}/invites/{code:str}",
        status_code=204,
        summary="Withdraw a code",
        opt={AUDITED: Action.INVITE_WITHDRAWN},
    )
    async def withdraw_invite(
        self,
        caller: NamedDependency[Caller],
        workspace_id: FromPath[UUID],
        code: FromPath[str],
        database: NamedDependency[Database],
    ) -> None:
        async with database.transaction() as session:
            seat = await access_workspace(session, caller.user_id, workspace_id, lock=True)
            await invites.withdraw(session, seat, code, caller.user_id)


@post(
    "/invites/{code:str}/accept",
    status_code=200,
    tags=["workspaces"],
    summary="Enter a workspace by code",
    responses={**PROBLEMS, **GONE},
)
async def accept_invite(
    caller: NamedDependency[Caller], code: FromPath[str], database: NamedDependency[Database]
) -> Membership:
    async with database.transaction() as session:
        return await invites.accept(session, caller.user_id, code)
