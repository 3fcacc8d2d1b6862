"""Sources for a question, from search.

Search answers only from channels that **everybody who may read the room** may read. Nobody's word is taken for it: what
comes back is held to this service's own membership projection again, so that a mistake of either side alone shows
nobody what they could not have looked up. The audience is that of the moment of asking, and once more that of the
moment when the answer is ready. Who joins a room later reads its old answers as its old messages.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from tertulia_bot.limits import SOURCES
from tertulia_bot.peers import Peer, Refused
from tertulia_shared.events import BOT_USER_ID
from tertulia_shared.membership import MembershipFeed
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger, span

log = logger(__name__)

MAX_QUERY = 1_000


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    channel_id: str
    ch_seq: int
    author_id: str
    created_at: datetime
    text: str
    id: str = ""
    message_id: str = ""


class _Hit(msgspec.Struct, frozen=True, kw_only=True):
    message: _Found


class _Hits(msgspec.Struct, frozen=True, kw_only=True):
    hits: list[_Hit]


_decoder = msgspec.json.Decoder(_Hits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A message that may be quoted in the room."""

    message_id: str
    channel_id: str
    ch_seq: int
    author_id: str
    author: str
    channel: str
    created_at: datetime
    text: str


class Retriever:
    """`peer` None: there is no search, and answers have no sources."""

    def __init__(self, peer: Peer | None, feed: MembershipFeed) -> None:
        self._peer = peer
        self._feed = feed

    async def sources(self, workspace_id: str, channel_id: str, question: str) -> list[Source] | None:
        """Best first; None when search cannot be asked."""
        if self._peer is None:
            return None
        body = {
            "workspace_id": workspace_id,
            "channel_id": channel_id,
            "query": question[:MAX_QUERY],
            "limit": SOURCES * 2,
        }
        with span("bot retrieve"):
            try:
                found = _decoder.decode(await self._peer.post("/internal/v1/retrieve", body))
            except (DependencyUnavailable, Refused, msgspec.DecodeError) as error:
                log.warning("retrieval.failed", error=str(error))
                return None
        return self._permitted(workspace_id, channel_id, [hit.message for hit in found.hits])

    def still_permitted(self, room: str, sources: Iterable[Source]) -> bool:
        """Whether everybody who may read the room now may read them: somebody may have joined meanwhile."""
        return {source.channel_id for source in sources} <= self._feed.projection.readable_by_room(room)

    def _permitted(self, workspace_id: str, room: str, found: list[_Found]) -> list[Source]:
        projection = self._feed.projection
        allowed = projection.readable_by_room(room) & projection.channels_of_workspace(workspace_id)
        return [
            Source(
                message_id=message.message_id or message.id,
                channel_id=message.channel_id,
                ch_seq=message.ch_seq,
                author_id=message.author_id,
                author=projection.username_of(message.author_id) or "somebody",
                channel=projection.name_of_channel(message.channel_id) or "",
                created_at=message.created_at,
                text=message.text,
            )
            for message in found
            # What the bot once said proves nothing.
            if message.channel_id in allowed and message.author_id != BOT_USER_ID and message.text.strip()
        ][:SOURCES]
