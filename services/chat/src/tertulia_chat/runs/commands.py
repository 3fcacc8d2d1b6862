"""Opening and finishing runs. Seats are locked before the channel, the channel before the run, what it quotes last."""

from uuid import UUID

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, select

from tertulia_chat.access import access_channel, access_thread
from tertulia_chat.bot import BOT_ID, seat_bot
from tertulia_chat.errors import Banned, ChannelArchived, Muted, NotAMember, PostingRestricted, RunIdReused
from tertulia_chat.membership import sequenced
from tertulia_chat.outbox import NewEvent, columns_of, record
from tertulia_chat.permissions import Permission
from tertulia_chat.replies import summary_with
from tertulia_chat.runs.quotes import citations_of_now, prompt_of_now, shortened
from tertulia_chat.runs.schemas import MAX_ANSWER, FinishRun, OpenRun
from tertulia_chat.slow_mode import take_turn
from tertulia_chat.tables import BotRunRow, ChannelRow, MessageRow, new_id, now
from tertulia_shared.events import AiMark, Fact, Message, MessageCreated, RunFinished, RunStarted, RunState
from tertulia_shared.problems import NotFound

_RUN = [column for column in sa.inspect(BotRunRow).columns if column.name != "started_log_id"]
# The log's next number is drawn first: the run says where the log tells of its beginning.
_BEGIN = sa.text(f"""
WITH place AS (SELECT nextval('event_log_id_seq') AS id),
begun AS (
    INSERT INTO bot_run ({", ".join(column.name for column in _RUN)}, started_log_id)
    SELECT {", ".join(f":{column.name}" for column in _RUN)}, place.id FROM place
    ON CONFLICT DO NOTHING
    RETURNING started_log_id
)
INSERT INTO event_log (id, shard, subject, type, workspace_id, channel_id, ch_seq, event_id, traceparent, body)
SELECT begun.started_log_id, :event_shard, :event_subject, :event_type, CAST(:event_workspace_id AS uuid),
    CAST(:event_channel_id AS uuid), :event_ch_seq, CAST(:event_event_id AS uuid), :event_traceparent, :event_body
FROM begun
RETURNING id
""").bindparams(*(sa.bindparam(column.name, type_=column.type) for column in _RUN))  # noqa: S608 names of columns

ASKER_LEFT = "asker_left"
CHANNEL_ARCHIVED = ChannelArchived.code
POSTING_RESTRICTED = PostingRestricted.code
MUTED = Muted.code


async def open_run(session: AsyncSession, wish: OpenRun) -> BotRunRow:
    """Idempotent by id.

    A run that a message asks for asks what that message says now, also when it is opened again; a message that is gone
    asks nothing. One that no message asks for takes the asker's turn in a slow channel. Raises NotFound, Banned,
    NotAMember, Muted, PostingRestricted, ChannelArchived, ThreadNotFound, SlowMode, RunIdReused, ValidationFailed.
    """
    seat = await access_channel(session, wish.asker_id, wish.channel_id)
    seat.require_poster()
    if wish.asker_id == BOT_ID:
        raise NotAMember("The bot does not ask itself.")
    if seat.channel.archived_at is not None:
        raise ChannelArchived
    if wish.thread_id is not None:
        await access_thread(session, seat, wish.thread_id)
    await seat_bot(session, seat.channel.workspace_id)
    wish = msgspec.structs.replace(wish, prompt=await prompt_of_now(session, wish))
    values = {name: value for name, value in msgspec.structs.asdict(wish).items() if name != "context_limit"}
    row = BotRunRow(**values, workspace_id=seat.channel.workspace_id)
    if await _begun(session, row):
        if wish.trigger_message_id is None and not seat.may(Permission.SET_SLOW_MODE):
            await take_turn(session, seat.channel, wish.asker_id)
        return row
    known = await session.get_one(BotRunRow, wish.id)
    if (known.channel_id, known.asker_id) != (wish.channel_id, wish.asker_id):
        raise RunIdReused
    if known.trigger_message_id is not None and known.finished_at is None:
        known.prompt = wish.prompt
    return known


async def _begun(session: AsyncSession, row: BotRunRow) -> bool:
    """The run and its beginning in the log, in one statement; False when there is a run of this id."""
    event = _beside(RunStarted(run=row.view()), row, row.asker_id)
    told = {f"event_{name}": value for name, value in columns_of(event).items()}
    row.started_log_id = await session.scalar(_BEGIN, row.model_dump(exclude={"started_log_id"}) | told)
    if row.started_log_id is None:
        return False
    session.info.setdefault("outbox_shards", set()).add(event.shard)
    return True


async def finish_run(session: AsyncSession, run_id: UUID, wish: FinishRun) -> tuple[BotRunRow, Message | None]:
    """The run's end and its answer: the first time it is decided, after that told again. Raises NotFound."""
    known = await session.get(BotRunRow, run_id)
    if known is None:
        raise NotFound
    place = wish.error or "failed"
    if known.finished_at is None and wish.state != RunState.FAILED:
        place = await _place_to_write(session, known)
    run = await session.scalar(
        select(BotRunRow).where(col(BotRunRow.id) == run_id).with_for_update().execution_options(populate_existing=True)
    )
    if run is None:
        raise NotFound
    if run.finished_at is not None:
        return run, await _answer_of(session, run)
    answer = await _end(session, run, wish, place)
    (run.finished_log_id,) = await record(session, _beside(RunFinished(run=run.view(answer)), run, BOT_ID))
    return run, answer


async def _place_to_write(session: AsyncSession, run: BotRunRow) -> ChannelRow | str:
    """The channel, locked, while the asker may write there; else the code of why not."""
    try:
        seat = await access_channel(session, run.asker_id, run.channel_id, lock=True)
        seat.require_poster()
    except (NotFound, Banned, NotAMember):
        return ASKER_LEFT
    except Muted:
        return MUTED
    except PostingRestricted:
        return POSTING_RESTRICTED
    return CHANNEL_ARCHIVED if seat.channel.archived_at is not None else seat.channel


async def _end(session: AsyncSession, run: BotRunRow, wish: FinishRun, place: ChannelRow | str) -> Message | None:
    run.model, run.attempt = wish.model or run.model, wish.attempt
    run.prompt_tokens, run.completion_tokens = wish.prompt_tokens, wish.completion_tokens
    run.finished_at = now()
    answer: Message | None = None
    if isinstance(place, str):
        run.state, run.error = RunState.FAILED, place
    else:
        run.state = wish.state
        if wish.text.strip():
            answer = await _post(session, place, run, wish)
            run.message_id = UUID(answer.id)
    session.add(run)
    await session.flush()
    return answer


async def _post(session: AsyncSession, channel: ChannelRow, run: BotRunRow, wish: FinishRun) -> Message:
    """The answer as a message of the bot, told as any message is."""
    channel.last_seq += 1
    channel.last_msg_seq = channel.last_seq
    mark = AiMark(
        run_id=str(run.id),
        asker_id=str(run.asker_id),
        command=run.command,
        prompt=run.prompt,
        model=run.model,
        prompt_tokens=wish.prompt_tokens,
        completion_tokens=wish.completion_tokens,
        duration_ms=wish.duration_ms,
        citations=await citations_of_now(session, wish.citations, run.thread_id),
        stopped=wish.state == RunState.STOPPED,
    )
    row = MessageRow(
        id=new_id(),
        workspace_id=run.workspace_id,
        channel_id=run.channel_id,
        ch_seq=channel.last_seq,
        author_id=BOT_ID,
        client_msg_id=run.id,
        text=shortened(wish.text, MAX_ANSWER),
        thread_id=run.thread_id,
        created_at=now(),
        ai=msgspec.to_builtins(mark),
    )
    session.add_all([channel, row])
    await session.flush()
    thread, followers = await summary_with(session, row)
    message = row.view()
    await record(session, *followers, sequenced(MessageCreated(message=message, thread=thread), channel, BOT_ID))
    return message


async def _answer_of(session: AsyncSession, run: BotRunRow) -> Message | None:
    """As it is now."""
    message = await session.get(MessageRow, run.message_id) if run.message_id else None
    return message.view() if message else None


def _beside(fact: Fact, run: BotRunRow, actor_id: UUID) -> NewEvent:
    """For the members of the channel, and no entry in its history."""
    return NewEvent(
        fact=fact,
        workspace_id=str(run.workspace_id),
        scope="ch",
        scope_id=str(run.channel_id),
        channel_id=str(run.channel_id),
        actor_id=str(actor_id),
    )
