"""The way in: one `Client` is one signed-in session."""

from collections.abc import Callable, Mapping
from types import TracebackType

from tertulia_client.api.ai import Ai
from tertulia_client.api.analytics import Analytics
from tertulia_client.api.attention import Attention
from tertulia_client.api.auth import Auth
from tertulia_client.api.channels import Channels
from tertulia_client.api.messages import Messages
from tertulia_client.api.moderation import Moderation
from tertulia_client.api.realtime import Realtime
from tertulia_client.api.search import Search
from tertulia_client.api.users import Users
from tertulia_client.api.workspaces import Workspaces
from tertulia_client.backoff import Backoff
from tertulia_client.caller import Caller
from tertulia_client.models import Me, Message
from tertulia_client.stream import EventStream, StreamTiming
from tertulia_client.tokens import TokenKeeper, Tokens
from tertulia_client.transport import Transport


class Client:
    """`base_url` is where the page is served, for example `http://127.0.0.1:8080`.

    Close it with `async with` or `aclose()`. Safe to use from many tasks of one event loop. `patience_s` bounds the
    attempts at one call in seconds; `tokens` goes on with an earlier session, and `on_tokens` is told the new ones.
    """

    def __init__(
        self,
        base_url: str,
        *,
        tokens: Tokens | None = None,
        on_tokens: Callable[[Tokens | None], None] | None = None,
        patience_s: float = 30.0,
        timeout_s: float = 20.0,
        timing: StreamTiming | None = None,
    ) -> None:
        self._transport = Transport(base_url, timeout_s=timeout_s)
        self._keeper = TokenKeeper(self._transport, tokens=tokens, on_change=on_tokens)
        self._caller = Caller(self._transport, self._keeper, patience_s=patience_s, backoff=Backoff(cap_s=8.0))
        self._timing = timing or StreamTiming()
        self.auth = Auth(self._caller)
        self.users = Users(self._caller)
        self.workspaces = Workspaces(self._caller)
        self.channels = Channels(self._caller)
        self.messages = Messages(self._caller)
        self.attention = Attention(self._caller)
        self.moderation = Moderation(self._caller)
        self.realtime = Realtime(self._caller)
        self.search = Search(self._caller)
        self.ai = Ai(self._caller)
        self.analytics = Analytics(self._caller)

    @property
    def user(self) -> Me:
        """Who is signed in. Raises NotSignedIn."""
        return self._keeper.require_user()

    @property
    def tokens(self) -> Tokens | None:
        return self._keeper.tokens

    async def send(self, channel_id: str, text: str, *, client_msg_id: str | None = None) -> Message:
        """Shorthand of `messages.send`."""
        return await self.messages.send(channel_id, text, client_msg_id=client_msg_id)

    def stream(self, positions: Mapping[str, int] | None = None) -> EventStream:
        """Live events from now on, or from `positions` (an earlier stream's, or a `Bootstrap`'s)."""
        return EventStream(self._caller, positions, self._timing)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._transport.close()
