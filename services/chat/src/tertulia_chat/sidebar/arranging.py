"""One person's sidebar: reading it, and arranging it anew as a whole.

Two devices that arrange the same version do not mix: the second is told to look again. A channel that the person left
is not shown, and nothing is written for that when they leave (`SidebarRow`): each device hears of the leaving itself.
"""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.errors import SidebarStale
from tertulia_chat.outbox import NewEvent, record
from tertulia_chat.sidebar.schemas import MAX_CHANNELS, PutSection, PutSidebar
from tertulia_chat.tables import BUILT_IN, ChannelMemberRow, SidebarRow, untouched
from tertulia_shared.events import SectionKind, Sidebar, SidebarSection, SidebarUpdated
from tertulia_shared.problems import FieldError, ValidationFailed

_BUILT_IN = {kind.value for kind in BUILT_IN}


async def show(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> Sidebar:
    row = await session.get(SidebarRow, (workspace_id, user_id))
    return row.view(await _joined(session, user_id, workspace_id)) if row else untouched()


async def arrange(session: AsyncSession, user_id: UUID, workspace_id: UUID, wish: PutSidebar) -> Sidebar:
    """Told to all devices. The same arrangement again is no change, whatever version is given, so sending it again is
    safe. Raises ValidationFailed, SidebarStale."""
    _check(wish)
    joined = await _joined(session, user_id, workspace_id)
    sections = [_section(section) for section in wish.sections]
    row = await session.get(
        SidebarRow, (workspace_id, user_id), populate_existing=True, with_for_update={"key_share": True}
    )
    if row is None:
        row = SidebarRow(workspace_id=workspace_id, user_id=user_id, version=0, sections=[])
    version, before = row.version, row.sections
    row.arrange(sections, joined)
    if version and row.sections == before:
        return row.view(joined)
    if version != wish.version:
        raise SidebarStale
    row.version += 1
    session.add(row)
    try:
        await session.flush()
    except IntegrityError as error:
        raise SidebarStale from error
    sidebar = row.view(joined)
    await record(session, _told(sidebar, user_id, workspace_id))
    return sidebar


async def _joined(session: AsyncSession, user_id: UUID, workspace_id: UUID) -> dict[str, int]:
    query = select(ChannelMemberRow.channel_id, ChannelMemberRow.joined_seq).where(
        col(ChannelMemberRow.user_id) == user_id, col(ChannelMemberRow.workspace_id) == workspace_id
    )
    return {str(channel_id): joined_seq for channel_id, joined_seq in await session.execute(query)}


def _section(wish: PutSection) -> SidebarSection:
    return SidebarSection(
        id=wish.id,
        kind=wish.kind,
        name=wish.name.strip() if wish.name else None,
        channel_ids=[str(channel_id) for channel_id in wish.channel_ids],
        collapsed=wish.collapsed,
    )


def _check(wish: PutSidebar) -> None:
    errors = list(_wrong(wish))
    if errors:
        raise ValidationFailed(errors=errors)


def _wrong(wish: PutSidebar) -> Iterator[FieldError]:
    ids = Counter(section.id for section in wish.sections)
    kinds = Counter(section.kind for section in wish.sections)
    channels = Counter(channel_id for section in wish.sections for channel_id in section.channel_ids)
    for index, section in enumerate(wish.sections):
        custom = section.kind is SectionKind.CUSTOM
        if ids[section.id] > 1 or custom is (section.id in _BUILT_IN) or (not custom and section.id != section.kind):
            yield FieldError(detail="Not this section's own id.", pointer=f"/sections/{index}/id")
        if custom is (section.name is None):
            yield FieldError(detail="For custom sections, and only for them.", pointer=f"/sections/{index}/name")
    if any(kinds[kind] != 1 for kind in BUILT_IN):
        yield FieldError(detail="Each built-in section once.", pointer="/sections")
    if channels.total() > MAX_CHANNELS:
        yield FieldError(detail=f"At most {MAX_CHANNELS} channels.", pointer="/sections")
    if channels and max(channels.values()) > 1:
        yield FieldError(detail="A channel stands in one section.", pointer="/sections")


def _told(sidebar: Sidebar, user_id: UUID, workspace_id: UUID) -> NewEvent:
    return NewEvent(
        fact=SidebarUpdated(sidebar=sidebar),
        workspace_id=str(workspace_id),
        scope="user",
        scope_id=str(user_id),
        actor_id=str(user_id),
    )
