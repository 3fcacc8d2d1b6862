"""One history, step by step, on two replicas and three devices."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import note

from resume_model.chronicle import Chronicle
from resume_model.clients import SEALER, Asked, Device, read
from resume_model.replicas import Replica, Visit
from resume_model.standing import ADA, BOB, PEOPLE
from resume_model.verdicts import Moment, check_possession, check_queue, check_replay, check_reset
from tertulia_notify.delivery.connection import Connection
from tertulia_notify.delivery.resume import Beginning
from tertulia_notify.limits import Limits
from tertulia_shared.problems import DependencyUnavailable

IMPATIENT = Limits(ahead_s=-1.0)
"""A place that is ahead of a replica is not waited for: nothing comes by itself here."""


class Story:
    """Plays the steps of a history and holds every answer against the model. Each step is a number that means whatever
    its remainders say."""

    def __init__(self, chronicle: Chronicle, bounds: dict[str, int]) -> None:
        self.cases: Counter[str] = Counter()
        self._chronicle = chronicle
        self._bus = chronicle.stream.bus
        self._limits = replace(IMPATIENT, **bounds)
        self._sessions = 0
        self._devices = [Device(person, self._new_session()) for person in (ADA, ADA, BOB)]
        self._replicas = [Replica(chronicle, self._limits) for _ in range(2)]

    async def play(self, steps: list[int]) -> None:
        for replica in self._replicas:
            await replica.begin()
        for device in self._devices:
            await self._come(device, self._replicas[0], 0, iter(()))
        waiting = iter(steps)
        for step in waiting:
            await self._step(step, waiting)
        for device in self._devices:
            await self._part(device, 1_000)
            await self._replicas[0].hear(1_000)
            await self._come(device, self._replicas[0], 0, iter(()))
            await self._part(device, 1_000)

    async def _step(self, step: int, waiting: Iterator[int]) -> None:
        step, what = divmod(step, 16)
        step, who = divmod(step, 8)
        replica, device = self._replicas[who % 2], self._devices[who % 3]
        if what < 7:
            await self._write(step, who)
        elif what < 9:
            await self._chronicle.happen(step)
        elif what < 12:
            await replica.hear(step % 7 + 1)
        elif what < 13:
            await self._happen_to_replica(step, who % 2)
        elif what < 14:
            await self._part(device, step % 12)
        else:
            await self._part(device, 1_000)
            await self._come(device, replica, step, waiting)

    async def _write(self, step: int, who: int) -> None:
        await self._chronicle.write(step, PEOPLE[who % 2], self._devices[who % 3])

    async def _happen_to_replica(self, step: int, number: int) -> None:
        replica = self._replicas[number]
        if step % 4:
            for visit in replica.visits:
                visit.connection.push(replica.hub.heartbeat())
                visit.expect(("beat", replica.place))
            return
        for device in self._devices:
            if device.replica is replica:
                await self._part(device, step // 4 % 12)
        self._replicas[number] = Replica(self._chronicle, self._limits)
        await self._replicas[number].begin()

    # -- what clients do -------------------------------------------------------------------------------------------

    async def _come(self, device: Device, replica: Replica, step: int, waiting: Iterator[int]) -> None:
        """With one of its places, while more steps of the history go on."""
        connection = Connection(device.person, device.session, float("inf"))
        if device.session in replica.standing.ended:
            assert device.session in replica.hub.revocations
            device.session = self._new_session()
            self.cases["refused"] += 1
            return
        asked = Asked.drawn(device, step)
        visit = Visit(connection)
        moments = [Moment.of(replica, device.person, asked)]
        replica.hub.registry.admit(connection)
        replica.visits.append(visit)
        self._bus.meanwhile = lambda: self._meanwhile(device, replica, asked, waiting, moments)
        try:
            visit.begun = await replica.resumer.begin(connection, asked.last_event_id, asked.cursor)
        except DependencyUnavailable:
            self._leave(replica, visit)
            assert len(moments) > 1, "nothing had happened"
            self.cases["again"] += 1
            return
        finally:
            self._bus.meanwhile = None
        if visit.connection.bye == "revoked":
            self._leave(replica, visit)
            assert visit.expected == [("bye", "revoked")]
            self.cases["revoked"] += 1
            return
        visit.live = True
        device.replica, device.visit = replica, visit
        self._take_place(device, replica, visit.begun, asked, moments)

    def _take_place(
        self, device: Device, replica: Replica, begun: Beginning, asked: Asked, moments: list[Moment]
    ) -> None:
        note(f"{asked} -> {begun.outcome} {begun.reset} {len(begun.frames)} frames, {len(moments) - 1} steps meanwhile")
        check_reset(begun, moments, replica.limits)
        self.cases[begun.reset or begun.outcome] += 1
        self.cases["meanwhile"] += len(moments) > 1
        where = begun.position
        if asked.place is None or not begun.resumed:
            assert (where, begun.frames) == (replica.place, ())
            device.restart(where)
        else:
            assert where == asked.place.position
            check_replay(begun, moments, self._chronicle.lives[where.epoch].entries)
            device.start, device.had = asked.place.start, list(asked.place.had)
            device.judged = max(asked.place.judged, replica.head)
        device.keep(where, replica.hub.cursor(device.person, where), "cursor")

    async def _meanwhile(
        self,
        device: Device,
        replica: Replica,
        asked: Asked,
        waiting: Iterator[int],
        moments: list[Moment],
    ) -> None:
        """The history goes on, or nothing happens. Nobody else comes or goes."""
        step = next(waiting, None)
        if step is None or len(moments) > 4:
            return
        meanwhile, self._bus.meanwhile = self._bus.meanwhile, None
        step, what = divmod(step, 16)
        if what < 6:
            await self._proceed(what, step, device, replica)
            moments.append(Moment.of(replica, device.person, asked))
        self._bus.meanwhile = meanwhile

    async def _proceed(self, what: int, step: int, device: Device, replica: Replica) -> None:
        match what:
            case 0:
                await self._write(step // 8, step % 8)
            case 1:
                await self._chronicle.happen(step)
            case 2:
                await self._chronicle.expire(step)
            case 3 if step % 8 == 0:
                await self._chronicle.revoke(device)
                await replica.hear(1_000)
            case 3 if step % 8 == 1:
                await self._chronicle.begin_anew(recreate=step % 16 == 1)
                await replica.hear(1)
            case _:
                await replica.hear(step % 7 + 1)

    async def _part(self, device: Device, frames: int) -> None:
        """It read so many frames of what was sent; everything that was sent is compared."""
        visit, replica = device.visit, device.replica
        if visit is None or replica is None:
            return
        assert visit.begun is not None
        device.visit = device.replica = None
        queued = [read(frame) for frame in visit.connection.take_frames()]
        self._leave(replica, visit)
        check_queue(visit, [item for item, _ in queued])
        sent = [read(frame) for frame in visit.begun.frames] + queued
        for (what, about), event_id in sent[:frames]:
            if what == "reset":
                device.restart(SEALER.open(about["cursor"], device.person, datetime.now(UTC)))
            elif what == "event":
                assert not device.had or about.seq > device.had[-1], "twice, or not in order"
                device.had.append(about.seq)
            if event_id:
                device.keep(about, event_id, "id")
        if frames >= len(sent) and not visit.over:
            check_possession(device, replica)

    def _leave(self, replica: Replica, visit: Visit) -> None:
        replica.hub.registry.remove(visit.connection, replica.hub.projection)
        replica.visits.remove(visit)

    def _new_session(self) -> str:
        self._sessions += 1
        return f"session {self._sessions}"
