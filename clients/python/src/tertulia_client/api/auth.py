"""Accounts' sessions: register, log in and out, password, signed-in devices."""

import logging

import msgspec

from tertulia_client.caller import Caller
from tertulia_client.errors import Unauthenticated
from tertulia_client.models import AuthResult, Me, Session

log = logging.getLogger(__name__)


class _Sessions(msgspec.Struct):
    items: list[Session]


class Auth:
    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def register(self, *, email: str, username: str, password: str, display_name: str) -> Me:
        """Create an account and sign in. Raises Conflict (`username_taken`, `email_taken`), ValidationFailed."""
        body = {"email": email, "username": username, "password": password, "display_name": display_name}
        return self._sign_in(await self._caller.post("/auth/register", AuthResult, body, auth=False))

    async def login(self, login: str, password: str) -> Me:
        """`login` is a user name or an e-mail address. Raises Unauthenticated (`invalid_credentials`)."""
        body = {"login": login, "password": password}
        return self._sign_in(await self._caller.post("/auth/login", AuthResult, body, auth=False))

    async def refresh(self) -> None:
        """Renew the tokens now; normally the client does so by itself."""
        tokens = self._caller.tokens.tokens
        await self._caller.tokens.renew("" if tokens is None else tokens.access_token)

    async def logout(self) -> None:
        """End this session here and on the server."""
        tokens = self._caller.tokens.tokens
        if tokens is None:
            return
        try:
            await self._caller.request("POST", "/auth/logout", body={"refresh_token": tokens.refresh_token}, safe=True)
        except Unauthenticated:
            log.info("the session had ended already")
        self._caller.tokens.forget()

    async def logout_all(self) -> None:
        """End every session of this account."""
        await self._caller.request("POST", "/auth/logout-all", safe=True)
        self._caller.tokens.forget()

    async def change_password(self, *, current: str, new: str) -> None:
        """Other sessions end. Raises Unauthenticated or Forbidden when `current` is wrong, ValidationFailed."""
        await self._caller.request("POST", "/auth/password", body={"current_password": current, "new_password": new})

    async def sessions(self) -> list[Session]:
        return (await self._caller.get("/auth/sessions", _Sessions)).items

    async def revoke_session(self, session_id: str) -> None:
        """Raises NotFound."""
        await self._caller.request("DELETE", f"/auth/sessions/{session_id}")

    def _sign_in(self, result: AuthResult) -> Me:
        self._caller.tokens.adopt(result)
        return result.user
