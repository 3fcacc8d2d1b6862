"""How people arranged their channels."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import Field, SQLModel

from tertulia_chat.tables.base import JsonList
from tertulia_shared.events import SectionKind, Sidebar, SidebarSection

BUILT_IN = (SectionKind.STARRED, SectionKind.CHANNELS, SectionKind.DIRECT)
"""In the order that nobody has changed."""


class SidebarRow(SQLModel, table=True):
    """`sections` are as they are shown, but each of their `channels` is a pair: its id, and the `joined_seq` of the
    place that its person had in it. Who leaves a channel and comes back has another, so it counts no more."""

    __tablename__ = "sidebar"  # pyright: ignore[reportAssignmentType]

    workspace_id: UUID = Field(primary_key=True)
    user_id: UUID = Field(primary_key=True)
    version: int
    sections: list[dict[str, Any]] = Field(sa_type=JsonList)

    def arrange(self, sections: Sequence[SidebarSection], joined: Mapping[str, int]) -> None:
        """`joined` is each channel that the person is in, and the `joined_seq` of it; others are left out."""
        self.sections = [
            {
                "id": section.id,
                "kind": section.kind.value,
                "name": section.name,
                "channels": [[one, joined[one]] for one in section.channel_ids if one in joined],
                "collapsed": section.collapsed,
            }
            for section in sections
        ]

    def view(self, joined: Mapping[str, int]) -> Sidebar:
        """What of it still holds."""
        sections = [
            SidebarSection(
                id=section["id"],
                kind=SectionKind(section["kind"]),
                name=section["name"],
                channel_ids=[one for one, joined_seq in section["channels"] if joined.get(one) == joined_seq],
                collapsed=section["collapsed"],
            )
            for section in self.sections
        ]
        return Sidebar(version=self.version, sections=sections)


def untouched() -> Sidebar:
    """The sidebar of somebody who has arranged nothing yet."""
    return Sidebar(version=0, sections=[SidebarSection(id=kind.value, kind=kind) for kind in BUILT_IN])
