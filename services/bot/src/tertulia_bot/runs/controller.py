"""/runs and /channels/{ch}/runs."""

from typing import Any
from uuid import UUID

from litestar import Request
from litestar.di import NamedDependency
from litestar.params import FromPath

from tertulia_bot.access import Access
from tertulia_bot.runs.schemas import OneRun, RunList
from tertulia_bot.runs.table import RunRow, RunTable
from tertulia_bot.runs.worker import Worker
from tertulia_shared.bus import Bus, BusUnavailable
from tertulia_shared.callers import Callers
from tertulia_shared.edge import get, post
from tertulia_shared.events import Run
from tertulia_shared.problems import NotFound


@get("/channels/{channel_id:uuid}/runs", tags=["bot"], summary="The answers that are being written")
async def active_runs(
    request: Request[Any, Any, Any],
    channel_id: FromPath[UUID],
    callers: NamedDependency[Callers],
    access: NamedDependency[Access],
    runs: NamedDependency[RunTable],
    worker: NamedDependency[Worker],
) -> RunList:
    caller = await callers.authenticated(request.headers.get("authorization", ""))
    await access.read(caller.user_id, str(channel_id))
    return RunList(items=[_newest(row, worker) for row in await runs.active_in(str(channel_id))])


@get("/runs/{run_id:uuid}", tags=["bot"], summary="A run with its text so far")
async def one_run(
    request: Request[Any, Any, Any],
    run_id: FromPath[UUID],
    callers: NamedDependency[Callers],
    access: NamedDependency[Access],
    runs: NamedDependency[RunTable],
    worker: NamedDependency[Worker],
) -> OneRun:
    """The text of an ended run is in the message that `message_id` names; it is not kept here."""
    caller = await callers.authenticated(request.headers.get("authorization", ""))
    row = await _known(runs, run_id)
    await access.read(caller.user_id, row.channel_id)
    return OneRun(run=_newest(row, worker))


@post("/runs/{run_id:uuid}/stop", tags=["bot"], summary="End an answer here", status_code=200)
async def stop_run(
    request: Request[Any, Any, Any],
    run_id: FromPath[UUID],
    callers: NamedDependency[Callers],
    access: NamedDependency[Access],
    runs: NamedDependency[RunTable],
    worker: NamedDependency[Worker],
    bus: NamedDependency[Bus],
) -> OneRun:
    """What was written so far is posted. The wish is kept, so it also reaches a run that changes its process."""
    caller = await callers.authenticated(request.headers.get("authorization", ""))
    row = await _known(runs, run_id)
    await access.stop(caller.user_id, row.asker_id, row.channel_id)
    wished = await runs.wish_to_stop(row.id)
    if wished is not None:
        worker.stop(row.id)
        worker.wake()
        _whisper(bus, row.id)
    return OneRun(run=_newest(wished or row, worker))


async def _known(runs: RunTable, run_id: UUID) -> RunRow:
    row = await runs.one(str(run_id))
    if row is None:
        raise NotFound
    return row


def _newest(row: RunRow, worker: Worker) -> Run:
    """As the process that works on it sees it, if that is this one; else as it was last written down."""
    live = None if row.is_over else worker.live(row.id)
    return row.view() if live is None else row.view(live.text, live.attempt)


def _whisper(bus: Bus, run_id: str) -> None:
    try:
        bus.publish_nowait(bus.topology.stop_run(run_id), b"")
    except BusUnavailable:
        return
