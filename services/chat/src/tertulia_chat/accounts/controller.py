"""/auth, /users and the public keys."""

from typing import Any
from uuid import UUID

from litestar import Controller, Request, Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody

from tertulia_chat.accounts import commands, queries, sessions, status
from tertulia_chat.accounts.keys import KeyRing
from tertulia_chat.accounts.passwords import Passwords
from tertulia_chat.accounts.schemas import (
    AuthResult,
    ChangePassword,
    FirstRun,
    Login,
    PatchMe,
    PresentStatus,
    Refresh,
    Register,
    SessionList,
    SetPresence,
    SetStatus,
)
from tertulia_chat.accounts.sessions import Device, Grant
from tertulia_chat.accounts.tokens import AccessTokens
from tertulia_chat.caller import Authenticator, Caller
from tertulia_chat.database import Database
from tertulia_chat.errors import RefreshTokenInvalid, RefreshTokenReused
from tertulia_chat.revocation import revoke, revoke_all
from tertulia_chat.tables import UserRow
from tertulia_chat.tables.accounts import Me
from tertulia_shared.edge import PROBLEMS, delete, get, patch, post, put
from tertulia_shared.events import PresenceSettings, RevokeReason, User

AnyRequest = Request[Any, Any, Any]

COOKIE = "tertulia_refresh"
COOKIE_PATH = "/api/v1/auth"
# Said of a `Response[None]`, which would be described as JSON that is null.
_EMPTY = {**PROBLEMS, 204: ResponseSpec(None, description="Done; nothing follows.")}


class AuthController(Controller):
    path = "/auth"
    tags = ("auth",)

    @get("/first-run", summary="Whether nobody has an account yet", security=[])
    async def first_run(self, database: NamedDependency[Database]) -> FirstRun:
        async with database.transaction() as session:
            return FirstRun(pending=await queries.is_first_run(session))

    @post("/register", summary="Create an account and log in", security=[])
    async def register(
        self,
        request: AnyRequest,
        data: JSONBody[Register],
        database: NamedDependency[Database],
        passwords: NamedDependency[Passwords],
        tokens: NamedDependency[AccessTokens],
    ) -> Response[AuthResult]:
        row, grant = await commands.register(database, passwords, data, device_of(request))
        return await self._granted(request, tokens, row, grant, status_code=201)

    @post("/login", status_code=200, summary="Log in by username or e-mail address", security=[])
    async def login(
        self,
        request: AnyRequest,
        data: JSONBody[Login],
        database: NamedDependency[Database],
        passwords: NamedDependency[Passwords],
        tokens: NamedDependency[AccessTokens],
    ) -> Response[AuthResult]:
        row, grant = await commands.login(database, passwords, data.login, data.password, device_of(request))
        return await self._granted(request, tokens, row, grant, status_code=200)

    @post("/refresh", status_code=200, summary="Exchange a refresh token", security=[])
    async def refresh(
        self,
        request: AnyRequest,
        database: NamedDependency[Database],
        tokens: NamedDependency[AccessTokens],
        data: JSONBody[Refresh | None] = None,
    ) -> Response[AuthResult]:
        token = presented(request, data)
        if token is None:
            raise RefreshTokenInvalid
        async with database.transaction() as session:
            outcome = await sessions.rotate(session, token)
            row = None
            if isinstance(outcome, Grant):
                row = await queries.myself(session, outcome.session.user_id)
        if isinstance(outcome, RefreshTokenReused) or row is None:
            raise RefreshTokenReused
        return await self._granted(request, tokens, row, outcome, status_code=200)

    @post("/logout", status_code=204, summary="End this session", security=[], responses=_EMPTY)
    async def logout(
        self,
        request: AnyRequest,
        database: NamedDependency[Database],
        authenticator: NamedDependency[Authenticator],
        data: JSONBody[Refresh | None] = None,
    ) -> Response[None]:
        """By refresh token, or by access token alone."""
        token = presented(request, data)
        if token is None:
            caller = await authenticator.authenticated(request.headers.get("authorization", ""))
            async with database.transaction() as session:
                await commands.end_session(session, caller, caller.session_id)
        else:
            async with database.transaction() as session:
                await revoke(session, await sessions.session_of(session, token), RevokeReason.LOGOUT)
        return Response(None, status_code=204, cookies=[self._cookie(request, "", max_age=0)])

    @post("/logout-all", status_code=204, summary="End all my sessions", responses=_EMPTY)
    async def logout_all(
        self, request: AnyRequest, caller: NamedDependency[Caller], database: NamedDependency[Database]
    ) -> Response[None]:
        async with database.transaction() as session:
            await revoke_all(session, caller.user_id, RevokeReason.LOGOUT)
        return Response(None, status_code=204, cookies=[self._cookie(request, "", max_age=0)])

    @post("/password", status_code=204, summary="Change my password; my other sessions end")
    async def password(
        self,
        caller: NamedDependency[Caller],
        data: JSONBody[ChangePassword],
        database: NamedDependency[Database],
        passwords: NamedDependency[Passwords],
    ) -> None:
        await commands.change_password(database, passwords, caller, data.current_password, data.new_password)

    @get("/sessions", summary="Where I am logged in")
    async def living_sessions(
        self, caller: NamedDependency[Caller], database: NamedDependency[Database]
    ) -> SessionList:
        async with database.transaction() as session:
            return SessionList(items=await queries.living_sessions(session, caller))

    @delete("/sessions/{session_id:uuid}", status_code=204, summary="End one of my sessions")
    async def end_session(
        self, caller: NamedDependency[Caller], session_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> None:
        async with database.transaction() as session:
            await commands.end_session(session, caller, session_id)

    async def _granted(
        self, request: AnyRequest, tokens: AccessTokens, row: UserRow, grant: Grant, *, status_code: int
    ) -> Response[AuthResult]:
        browser = is_browser(request)
        result = AuthResult(
            user=row.view_me(),
            access_token=await tokens.issue(row.id, grant.session.id),
            expires_in=tokens.ttl_s,
            refresh_token=None if browser else grant.refresh_token,
        )
        lifetime = int(sessions.REFRESH_LIFETIME.total_seconds())
        cookies = [self._cookie(request, grant.refresh_token, max_age=lifetime)] if browser else []
        return Response(result, status_code=status_code, cookies=cookies, headers={"Cache-Control": "no-store"})

    def _cookie(self, request: AnyRequest, value: str, *, max_age: int) -> Cookie:
        return Cookie(
            key=COOKIE,
            value=value,
            path=COOKIE_PATH,
            httponly=True,
            samesite="strict",
            max_age=max_age,
            secure=request.headers.get("x-forwarded-proto") == "https",
        )


class UserController(Controller):
    path = "/users"
    tags = ("users",)

    @get("/me", summary="My profile")
    async def me(self, caller: NamedDependency[Caller], database: NamedDependency[Database]) -> Me:
        async with database.transaction() as session:
            return (await queries.myself(session, caller.user_id)).view_me()

    @patch("/me", summary="Change my profile")
    async def update_me(
        self, caller: NamedDependency[Caller], data: JSONBody[PatchMe], database: NamedDependency[Database]
    ) -> Me:
        async with database.transaction() as session:
            row = await commands.update_me(
                session, caller.user_id, display_name=data.display_name, preferences=data.preferences
            )
            return row.view_me()

    @put("/me/status", summary="Say what I am up to, for a while")
    async def put_status(
        self, caller: NamedDependency[Caller], data: JSONBody[SetStatus], database: NamedDependency[Database]
    ) -> PresentStatus:
        """Everybody who shares a workspace sees it until `until`, or until it is taken away."""
        async with database.transaction() as session:
            shown = await status.put_status(session, caller.user_id, emoji=data.emoji, text=data.text, until=data.until)
        return PresentStatus(status=shown)

    @delete("/me/status", status_code=204, summary="Take my status away")
    async def drop_status(self, caller: NamedDependency[Caller], database: NamedDependency[Database]) -> None:
        async with database.transaction() as session:
            await status.drop_status(session, caller.user_id)

    @put("/me/presence", summary="How I want to appear, where my clock is, and when I do not want to be notified")
    async def put_presence(
        self, caller: NamedDependency[Caller], data: JSONBody[SetPresence], database: NamedDependency[Database]
    ) -> PresenceSettings:
        """`away`: away whenever I am there. `offline`: as if I were not there. Only I see what I chose; whoever has a
        direct conversation with me also learns that I am in my quiet hours and when these end."""
        async with database.transaction() as session:
            return await status.put_presence(session, caller.user_id, data)

    @get("/{user_id:uuid}", summary="Somebody's public profile")
    async def profile(
        self, caller: NamedDependency[Caller], user_id: FromPath[UUID], database: NamedDependency[Database]
    ) -> User:
        async with database.transaction() as session:
            return await queries.profile(session, caller.user_id, user_id)


@get("/.well-known/jwks.json", tags=["service"], summary="The keys that verify access tokens", security=[])
async def jwks(keys: NamedDependency[KeyRing]) -> Response[dict[str, Any]]:
    return Response(await keys.jwks(), headers={"Cache-Control": "public, max-age=60"})


def is_browser(request: AnyRequest) -> bool:
    """The header makes a cross-site form useless: it cannot send one."""
    return request.headers.get("x-tertulia-client") == "web"


def presented(request: AnyRequest, data: Refresh | None) -> str | None:
    """The refresh token in the cookie (browsers) or in the body (everybody else)."""
    if is_browser(request):
        return request.cookies.get(COOKIE) or None
    return data.refresh_token if data else None


def device_of(request: AnyRequest) -> Device:
    """The gateway says whose address it was; the last hop it added is the one to believe."""
    forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    ip = forwarded or (request.client.host if request.client else None)
    agent = request.headers.get("user-agent")
    return Device(user_agent=agent[:300].replace("\0", "") if agent else None, ip=ip[:64] if ip else None)
