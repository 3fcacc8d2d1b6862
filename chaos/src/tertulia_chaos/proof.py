"""The acked-message checker: what was acknowledged against what is stored, and that against what everybody saw.

Pure, so that its own tests can show that it finds what it is for.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

SHOWN = 5
"""Complaints of one kind that are spelled out."""


class Said(NamedTuple):
    """One message: where, at which place of the channel's order, and what."""

    channel: str
    seq: int
    id: str
    text: str


@dataclass
class Record:
    """What one person saw, in the order in which it came."""

    person: str
    said: dict[str, list[Said]] = field(default_factory=dict[str, list[Said]])
    """By channel."""
    places: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """`ch_seq` of every durable event, messages or not, by channel."""
    resets: int = 0
    """Channels of which the stream said that a part cannot be had any more."""

    def note(self, channel: str, seq: int) -> None:
        self.places.setdefault(channel, []).append(seq)

    def hear(self, said: Said) -> None:
        self.said.setdefault(said.channel, []).append(said)

    def heard(self, channel: str) -> int:
        return len(self.said.get(channel, ()))


@dataclass
class Findings:
    """What the proof counted. `complaints` says in words what is wrong; without any, all is well."""

    acknowledged: int = 0
    stored: int = 0
    seen: int = 0
    """Messages times people who saw them."""
    lost: int = 0
    doubled: int = 0
    reordered: int = 0
    altered: int = 0
    leaked: int = 0
    complaints: list[str] = field(default_factory=list[str])

    @property
    def ok(self) -> bool:
        return not self.complaints

    def complain(self, about: str, count: int, examples: Iterable[object] = ()) -> int:
        if count:
            shown = ", ".join(str(example) for example, _ in zip(examples, range(SHOWN), strict=False))
            self.complaints.append(f"{count} {about}" + (f": {shown}" if shown else ""))
        return count


def prove(
    acknowledged: Sequence[Said],
    stored: Mapping[str, Sequence[Said]],
    records: Sequence[Record],
    members: Mapping[str, set[str]],
) -> Findings:
    """`stored` is what chat's API says afterwards, by channel in its order; `members` says who is in a channel."""
    findings = Findings(acknowledged=len(acknowledged), stored=sum(map(len, stored.values())))
    _check_stored(findings, acknowledged, stored)
    for record in records:
        for channel, expected in stored.items():
            if record.person in members[channel]:
                _check_seen(findings, record, channel, expected)
        foreign = [channel for channel in record.places if record.person not in members.get(channel, set())]
        events = sum(len(record.places[channel]) for channel in foreign)
        findings.leaked += findings.complain(f"events of others' channels reached {record.person}", events, foreign)
    return findings


def _check_stored(findings: Findings, acknowledged: Sequence[Said], stored: Mapping[str, Sequence[Said]]) -> None:
    there = {said.id: said for channel in stored.values() for said in channel}
    missing = [said for said in acknowledged if said.id not in there]
    findings.lost += findings.complain("acknowledged and not stored", len(missing), missing)
    changed = [said for said in acknowledged if there.get(said.id, said) != said]
    findings.altered += findings.complain("stored otherwise than acknowledged", len(changed), changed)
    texts = Counter(said.text for said in there.values())
    twice = [text for text, count in texts.items() if count > 1]
    findings.doubled += findings.complain("stored twice", len(twice), twice)


def _check_seen(findings: Findings, record: Record, channel: str, expected: Sequence[Said]) -> None:
    seen = record.said.get(channel, [])
    findings.seen += len(seen)
    times = Counter(said.id for said in seen)
    missing = [said for said in expected if said.id not in times]
    findings.lost += findings.complain(f"not seen by {record.person}", len(missing), missing)
    places = record.places.get(channel, [])
    others = sorted(_gaps(places) - {said.seq for said in expected})
    findings.lost += findings.complain(f"events that are no messages, not seen by {record.person}", len(others), others)
    again = [key for key, count in times.items() if count > 1]
    findings.doubled += findings.complain(f"seen more than once by {record.person}", len(again), again)
    falling = falls(places)
    findings.reordered += findings.complain(f"out of order for {record.person}", len(falling), falling)
    there = {said.id: said for said in expected}
    changed = [said for said in seen if there.get(said.id) != said]
    findings.altered += findings.complain(f"seen otherwise than stored by {record.person}", len(changed), changed)


def _gaps(places: Sequence[int]) -> set[int]:
    """The numbers between the lowest and the highest that are not among these."""
    return set(range(min(places), max(places))) - set(places) if places else set()


def falls(places: Sequence[int]) -> list[int]:
    """The numbers that are not above the one before them."""
    return [later for earlier, later in pairwise(places) if later <= earlier]


def holes(places: Sequence[int]) -> list[int]:
    """The numbers before which at least one is missing."""
    return [later for earlier, later in pairwise(places) if later > earlier + 1]
