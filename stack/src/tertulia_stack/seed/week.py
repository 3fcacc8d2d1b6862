"""From talk to a week: who says what where and when. Pure: the same start gives the same week."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from tertulia_stack.seed.people import Person, members
from tertulia_stack.seed.talk import Conversation, Talk

MESSAGES = 3000
DAYS = 7
TALK_OF = {
    "general": "general",
    "engineering": "engineering",
    "design": "design",
    "support": "support",
    "autumn-release": "release",
    "random": "random",
}
"""Channel → file of its talk."""
OPEN, CLOSE = 8.6, 17.6
"""Hours between which most conversations begin."""
# Saturday and Sunday belong to the ferries and to nonsense.
WEEKEND_WEIGHT = {"random": 0.3, "support": 0.5}
FRIDAY = 4


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One message to be."""

    channel: str
    author: Person
    text: str
    at: datetime


def plan(now: datetime, total: int = MESSAGES) -> list[Planned]:
    """`total` messages of the seven days before `now` (aware), by channel, each channel in the order of time."""
    dice = random.Random(2026)  # noqa: S311 - a demo that is the same everywhere
    talk = Talk(dice)
    rounds = {channel: talk.round(file) for channel, file in TALK_OF.items()}
    sizes = {channel: sum(len(one.lines) for one in said) for channel, said in rounds.items()}
    quotas = {channel: total * size // sum(sizes.values()) for channel, size in sizes.items()}
    quotas["random"] += total - sum(quotas.values())
    planned: list[Planned] = []
    for channel, said in rounds.items():
        planned += _Calendar(dice, channel, now).place(_enough(talk, channel, said, quotas[channel]))
    return planned


def _enough(talk: Talk, channel: str, said: list[Conversation], lines: int) -> Iterator[Conversation]:
    """Conversations with `lines` lines altogether; more rounds when one is not enough."""
    while True:
        for one in said:
            if lines <= 0:
                return
            yield Conversation(lines=one.lines[:lines], when=one.when)
            lines -= len(one.lines)
        said = talk.round(TALK_OF[channel])


class _Calendar:
    """One channel's week: conversations one after the other, in bursts, mostly in working hours."""

    def __init__(self, dice: random.Random, channel: str, now: datetime) -> None:
        self._dice = dice
        self._channel = channel
        self._now = now
        self._people = members(channel)
        today = datetime.combine(now.date(), time(), now.tzinfo)
        self._days = [today - timedelta(days=ago) for ago in range(DAYS)]
        self._weights = [self._weight(day) for day in self._days]

    def place(self, conversations: Iterator[Conversation]) -> list[Planned]:
        by_day: dict[datetime, list[tuple[datetime, Conversation]]] = {}
        for conversation in conversations:
            day = self._day_for(conversation)
            by_day.setdefault(day, []).append((self._start(day, conversation), conversation))
        return [message for day in sorted(by_day) for message in self._one_day(day, by_day[day])]

    def _weight(self, day: datetime) -> float:
        """How much is said that day: little at weekends, and today only as much as has passed of it."""
        weight = WEEKEND_WEIGHT.get(self._channel, 0.02) if day.weekday() > FRIDAY else 1.0
        if day.date() == self._now.date():
            hours = (self._now - day) / timedelta(hours=1)
            weight *= max(0.0, min(1.0, (hours - OPEN) / (CLOSE - OPEN)))
        return weight

    def _day_for(self, conversation: Conversation) -> datetime:
        if conversation.when == "friday":
            fridays = [day for day, weight in zip(self._days, self._weights, strict=True) if weight and _is_friday(day)]
            return fridays[0] if fridays else self._days[1]
        return self._dice.choices(self._days, self._weights)[0]

    def _start(self, day: datetime, conversation: Conversation) -> datetime:
        match conversation.when:
            case "morning":
                hour = self._dice.uniform(OPEN - 0.6, OPEN + 1.2)
            case "friday":
                hour = CLOSE
            case _:
                # Busy before lunch and again after it.
                peak = self._dice.choice((10.6, 15.0))
                hour = min(max(self._dice.gauss(peak, 1.5), OPEN - 0.8), CLOSE + 0.5)
        return day + timedelta(hours=hour)

    def _one_day(self, day: datetime, starts: list[tuple[datetime, Conversation]]) -> list[Planned]:
        messages: list[Planned] = []
        free = day
        for start, conversation in sorted(starts, key=lambda pair: pair[0]):
            at = max(start, free)
            authors = self._cast(conversation.speakers)
            for line in conversation.lines:
                text = self._concretely(line.text, at, authors)
                messages.append(Planned(channel=self._channel, author=authors[line.speaker], text=text, at=at))
                at += self._pause(text)
            free = at + timedelta(seconds=self._dice.uniform(20, 240))
        return self._before_now(day, messages)

    def _pause(self, text: str) -> timedelta:
        """Time to read and to type: a burst with a longer breath now and then."""
        seconds = self._dice.uniform(6, 40) + len(text) * self._dice.uniform(0.1, 0.3)
        return timedelta(seconds=seconds * (4 if self._dice.random() < 0.08 else 1))

    def _before_now(self, day: datetime, messages: list[Planned]) -> list[Planned]:
        """Today's messages squeezed so that none is from the future."""
        latest = self._now - timedelta(minutes=1)
        if not messages or messages[-1].at <= latest:
            return messages
        begin = min(messages[0].at, day + timedelta(hours=OPEN), latest)
        squeeze = (latest - begin) / max(messages[-1].at - begin, timedelta(seconds=1))
        return [
            Planned(channel=one.channel, author=one.author, text=one.text, at=begin + (one.at - begin) * squeeze)
            for one in messages
        ]

    def _cast(self, letters: Sequence[str]) -> dict[str, Person]:
        """Different people for the letters, those first who talk much here."""
        left = list(self._people)
        cast: dict[str, Person] = {}
        for letter in letters:
            person = self._dice.choices(left, [one.talks[self._channel] for one in left])[0]
            left.remove(person)
            cast[letter] = person
        return cast

    def _concretely(self, text: str, at: datetime, cast: dict[str, Person]) -> str:
        sailed = at - timedelta(minutes=5 + at.minute % 5)
        colleague = self._somebody_else(cast).name.split()[0]
        return text.replace("@colleague", colleague).replace("@clock", f"{sailed:%H:%M}")

    def _somebody_else(self, cast: dict[str, Person]) -> Person:
        return next(person for person in self._people if person not in cast.values())


def _is_friday(day: datetime) -> bool:
    return day.weekday() == FRIDAY
