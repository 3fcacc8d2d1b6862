"""What must be sent, what may be, and for which reasons there has to be a reset."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from resume_model.clients import SEALER, Asked, Device, Item, read
from resume_model.replicas import Replica, Visit
from resume_model.standing import Entry
from tertulia_notify.delivery.resume import Beginning
from tertulia_notify.limits import Limits


@dataclass(slots=True)
class Moment:
    """What the model says while a client comes back: why there has to be a reset, and else what it may see.

    The first reason is the one that is given; while a catch-up reads, another may be found before it.
    """

    head: int
    resets: list[str] = field(default_factory=list)
    visible: list[int] = field(default_factory=list)
    held: set[int] = field(default_factory=set)

    @property
    def reset(self) -> str | None:
        return self.resets[0] if self.resets else None

    @staticmethod
    def of(replica: Replica, person: str, asked: Asked) -> "Moment":
        if asked.place is None:
            return Moment(replica.head, [asked.refused] if asked.refused else [])
        place, limits = asked.place.position, replica.limits
        if place.epoch != replica.life or place.seq > replica.head:
            return Moment(replica.head, ["epoch"])
        visible = replica.shown(person, place.seq)
        held = {seq for seq in visible if replica.holds(seq)}
        chronicle = replica.chronicle
        from_stream, same_life = place.seq < replica.floor, chronicle.life == replica.life
        reasons = (
            ("too_far", replica.head - place.seq > limits.max_scanned),
            ("epoch", from_stream and not same_life),
            ("too_far", from_stream and same_life and chronicle.log.first > place.seq + 1),
            ("too_far", len(held) > limits.max_sent),
        )
        return Moment(replica.head, [reason for reason, holds in reasons if holds], visible, held)


def check_reset(begun: Beginning, moments: list[Moment], limits: Limits) -> None:
    if len(moments) == 1:
        assert begun.reset == moments[0].reset
    elif begun.reset is not None:
        may = set[int]().union(*(moment.visible for moment in moments))
        too_many = begun.reset == "too_far" and len(may) > limits.max_sent
        assert too_many or begun.reset in {reason for moment in moments for reason in moment.resets}


def check_replay(begun: Beginning, moments: list[Moment], entries: list[Entry]) -> None:
    """As long as nothing happened meanwhile exactly what may be seen; else what could be seen all the time, and
    nothing that never could. `entries` are those of the replay's life of the stream."""
    first, last = moments[0], moments[-1]
    got = [read(frame)[0][1] for frame in begun.frames]
    numbers = [place.seq for place in got]
    assert {place.epoch for place in got} <= {begun.position.epoch}
    assert numbers == sorted(set(numbers)), "twice, or not in order"
    for seq, frame in zip(numbers, begun.frames, strict=True):
        assert frame.endswith(entries[seq - 1].outgoing.data + b"\n\n")
    must = {seq for seq in last.visible if all(moment.head < seq or seq in moment.held for moment in moments)}
    assert must <= set(numbers) <= set().union(*(moment.visible for moment in moments))
    if len(moments) == 1:
        assert numbers == [seq for seq in first.visible if seq in first.held]


def check_queue(visit: Visit, items: list[Item]) -> None:
    """Live, everything is as expected, one by one."""
    found: list[Item] = []
    for what, about in items:
        if what == "reset":
            assert about["reason"] == "epoch"
            found.append((what, SEALER.open(about["cursor"], visit.person, datetime.now(UTC))))
        else:
            found.append((what, about["reason"] if what == "bye" else about))
    assert found == visit.expected


def check_possession(device: Device, replica: Replica) -> None:
    """It has everything that it may see now, as far as it was its to see since it began, by this replica and by those
    that sent it what it has: one that was ahead may have known already that the person had left, and kept from it what
    this one would still show."""
    assert device.start is not None
    assert device.start.epoch == replica.life
    log = replica.chronicle.lives[replica.life]
    told = log.entries[: max(replica.head, device.judged)]
    changes = [entry.seq for entry in told if entry.person == device.person]
    since = max([device.start.seq, *changes])
    missed = set(replica.shown(device.person, since)) - set(device.had) - log.erased
    assert not missed
