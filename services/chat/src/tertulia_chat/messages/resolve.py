"""Which of what a text names there is, asked in the name of its author.

* People count as mentioned when they belong to the workspace, the bot too.
* Channels count when the author may know them (`access.READABLE`): nobody learns of one through somebody who knows
  none. Messages likewise, by the channel that they are in.

Everything is looked up by key and answered in the order of the text, each once. `checked` is used twice: in the
statement that sends a message, where it costs no round trip, and by itself for whatever else brings a text.
"""

from collections.abc import Mapping
from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from tertulia_chat.access import READABLE
from tertulia_chat.messages.reading import Reading
from tertulia_chat.tables import MessageRow
from tertulia_shared.events import Audience

ASKED = {
    "people": "uuid[]",
    "usernames": "text[]",
    "channels": "uuid[]",
    "names": "text[]",
    "workspaces": "text[]",
    "places": "uuid[]",
    "messages": "uuid[]",
}
"""What `checked` is asked, and its types. People and channels come by id or by name: one of the two is null."""


class ReadOut(msgspec.Struct, frozen=True, kw_only=True):
    """What a message carries beside its text, as its columns hold it."""

    mentions: list[UUID] = []
    audience: Audience | None = None
    channels: list[UUID] = []
    messages: list[UUID] = []
    links: list[str] = []

    def put_on(self, row: MessageRow) -> None:
        row.mentions, row.audience, row.channels = self.mentions, self.audience, self.channels
        row.messages, row.links = self.messages, self.links


NOTHING_READ = ReadOut()


def read_out_of(row: MessageRow) -> ReadOut:
    """What this message carries now."""
    return ReadOut(
        mentions=row.mentions,
        audience=Audience(row.audience) if row.audience else None,
        channels=row.channels,
        messages=row.messages,
        links=row.links,
    )


def asked(reading: Reading) -> dict[str, list[UUID | None] | list[str | None]]:
    """The values for `ASKED`."""
    return {
        "people": _ids(reading.people),
        "usernames": _names(reading.people),
        "channels": _ids(reading.channels),
        "names": _names(reading.channels),
        "workspaces": [place.workspace for place in reading.messages],
        "places": [place.channel for place in reading.messages],
        "messages": [place.message for place in reading.messages],
    }


def checked(value: Mapping[str, str], *, workspace: str, author: str) -> str:
    """Three CTEs of one row each, `mentioned`, `named` and `pointed`, with `ids`. All given as SQL."""
    found = "SELECT coalesce(array_agg(id ORDER BY place), '{}') AS ids FROM"
    may_read = f"""
        JOIN workspace_member w ON w.workspace_id = c.workspace_id AND w.user_id = {author}
        LEFT JOIN channel_member m ON m.channel_id = c.id AND m.user_id = {author}
        WHERE c.workspace_id = {workspace} AND {READABLE}
    """
    return f"""
mentioned AS ({found} (
    SELECT w.user_id AS id, min(x.place) AS place
    FROM unnest({value["people"]}, {value["usernames"]}) WITH ORDINALITY AS x (id, name, place)
    JOIN workspace_member w ON w.workspace_id = {workspace}
        AND w.user_id = coalesce(x.id, (SELECT u.id FROM user_account u WHERE u.username = x.name))
    GROUP BY w.user_id
) AS person),
named AS ({found} (
    SELECT c.id, min(x.place) AS place
    FROM unnest({value["channels"]}, {value["names"]}) WITH ORDINALITY AS x (id, name, place)
    JOIN channel c ON c.id = coalesce(
        x.id, (SELECT n.id FROM channel n WHERE n.workspace_id = {workspace} AND n.name = x.name)
    )
    {may_read}
    GROUP BY c.id
) AS channel),
pointed AS ({found} (
    SELECT t.id, min(x.place) AS place
    FROM unnest({value["workspaces"]}, {value["places"]}, {value["messages"]})
        WITH ORDINALITY AS x (workspace, channel_id, id, place)
    JOIN message t ON t.id = x.id AND t.channel_id = x.channel_id
    JOIN channel c ON c.id = t.channel_id
    JOIN workspace s ON s.id = c.workspace_id AND x.workspace IN (s.id::text, s.slug)
    {may_read}
    GROUP BY t.id
) AS message)
"""  # noqa: S608 composed of constants only


_CHECKED = checked(
    {name: f"CAST(:{name} AS {kind})" for name, kind in ASKED.items()},
    workspace="CAST(:workspace_id AS uuid)",
    author="CAST(:author_id AS uuid)",
)
_CHECK = sa.text(
    f"WITH {_CHECKED} SELECT mentioned.ids AS mentions, named.ids AS channels, pointed.ids AS messages"  # noqa: S608
    " FROM mentioned, named, pointed"
)


async def resolve(session: AsyncSession, workspace_id: UUID, author_id: UUID, reading: Reading) -> ReadOut:
    """Asks nothing of PostgreSQL when the text names nothing."""
    links = list(reading.links)
    if not reading.asks:
        return ReadOut(audience=reading.audience, links=links)
    values = {"workspace_id": workspace_id, "author_id": author_id, **asked(reading)}
    found = (await session.execute(_CHECK, values)).one()
    return ReadOut(
        mentions=list(found.mentions),
        audience=reading.audience,
        channels=list(found.channels),
        messages=list(found.messages),
        links=links,
    )


def _ids(given: tuple[UUID | str, ...]) -> list[UUID | None]:
    return [one if isinstance(one, UUID) else None for one in given]


def _names(given: tuple[UUID | str, ...]) -> list[str | None]:
    return [one if isinstance(one, str) else None for one in given]
