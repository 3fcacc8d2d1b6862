"""One state for each person, from devices at several processes, whatever is lost, killed or late in between."""

import random
from collections import defaultdict
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tertulia_notify.presence import local as local_module
from tertulia_notify.presence import words
from tertulia_notify.presence.board import Board
from tertulia_notify.presence.states import PresenceState, as_wished, strongest
from tertulia_shared.events import PresenceWish, encode

GRACE, BEAT, LEASE = 3.0, 2.0, 7.0
PEOPLE = ("ada", "bob", "eve")


def board(process: str) -> Board:
    return Board(process, grace_s=GRACE, beat_s=BEAT, lease_s=LEASE)


@dataclass
class Process:
    board: Board
    devices: dict[int, tuple[str, bool]] = field(default_factory=dict)
    noted: set[str] = field(default_factory=set)
    cut: bool = False

    def here(self, user: str) -> PresenceState:
        mine = [active for owner, active in self.devices.values() if owner == user]
        if not mine:
            return PresenceState.OFFLINE
        return PresenceState.ONLINE if any(mine) else PresenceState.AWAY


class House:
    """Processes on one bus. What is said is heard by all, in the order of its speaker, when `deliver` is called."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.processes: dict[str, Process] = {}
        self.queues: dict[tuple[str, str], list[words.Word]] = defaultdict(list)
        self.started = 0
        self.opened = 0

    def start(self) -> str:
        self.started += 1
        name = f"p{self.started}"
        self.processes[name] = Process(board(name))
        return name

    def kill(self, name: str) -> None:
        del self.processes[name]

    def open(self, name: str, user: str, *, active: bool = True) -> int:
        self.opened += 1
        self.processes[name].devices[self.opened] = (user, active)
        self.processes[name].noted.add(user)
        return self.opened

    def close(self, name: str, device: int) -> None:
        user, _ = self.processes[name].devices.pop(device)
        self.processes[name].noted.add(user)

    def use(self, name: str, device: int, *, active: bool) -> None:
        user, _ = self.processes[name].devices[device]
        self.processes[name].devices[device] = (user, active)
        self.processes[name].noted.add(user)

    def look(self, name: str) -> None:
        process = self.processes[name]
        for user in process.noted:
            process.board.place(user, process.here(user), self.now)
        process.noted.clear()
        for word in process.board.tick(self.now, deaf=process.cut):
            said = words.read(encode(word))
            for other in self.processes:
                if not process.cut and not self.processes[other].cut:
                    self.queues[name, other].append(said)

    def deliver(self) -> None:
        for (_, to), queue in self.queues.items():
            process = self.processes.get(to)
            for word in queue:
                if process is not None and not process.cut:
                    process.board.hear(word, self.now)
            queue.clear()

    def second(self, order: random.Random | None = None) -> None:
        names = list(self.processes)
        if order is not None:
            order.shuffle(names)
        for name in names:
            self.look(name)
            if order is None or order.random() < 0.5:
                self.deliver()
        self.deliver()
        self.now += 1

    def truth(self, user: str) -> PresenceState:
        return strongest(process.here(user) for process in self.processes.values())

    def shown(self, user: str) -> list[PresenceState]:
        return [process.board.state_of(user) for process in self.processes.values()]


@pytest.mark.parametrize(
    ("device", "wish", "shown"),
    [
        ("online", "auto", "online"),
        ("away", "auto", "away"),
        ("online", "away", "away"),
        ("offline", "away", "offline"),
        ("online", "offline", "offline"),
        ("offline", "auto", "offline"),
    ],
)
def test_what_is_shown_is_what_is_wished(device: str, wish: str, shown: str) -> None:
    assert as_wished(PresenceState(device), PresenceWish(wish)) is PresenceState(shown)


def test_a_person_is_away_when_all_their_devices_are_idle() -> None:
    house = House()
    first, second = house.start(), house.start()
    phone, laptop = house.open(first, "ada"), house.open(second, "ada")
    states = []
    for device, process, active in ((phone, first, False), (laptop, second, False), (phone, first, True)):
        house.use(process, device, active=active)
        house.second()
        house.second()
        states.append(set(house.shown("ada")))
    assert states == [{PresenceState.ONLINE}, {PresenceState.AWAY}, {PresenceState.ONLINE}]


def test_whoever_comes_back_within_the_grace_time_was_never_away() -> None:
    house = House()
    first, second = house.start(), house.start()
    device, at = house.open(first, "ada"), first
    house.second()
    house.second()
    for _ in range(6):
        house.close(at, device)
        for _ in range(int(GRACE) - 1):
            house.second()
            assert set(house.shown("ada")) == {PresenceState.ONLINE}
        at = second if at == first else first
        device = house.open(at, "ada")
        house.second()
        assert set(house.shown("ada")) == {PresenceState.ONLINE}
    house.close(at, device)
    for _ in range(int(GRACE) + 2):
        house.second()
    assert set(house.shown("ada")) == {PresenceState.OFFLINE}


def test_the_people_of_a_killed_process_fall_offline_when_its_lease_ends() -> None:
    house = House()
    survivor, killed = house.start(), house.start()
    house.open(killed, "ada")
    for _ in range(3):
        house.second()
    house.kill(killed)
    states = []
    for _ in range(int(LEASE) + 2):
        house.second()
        states += house.shown("ada")
    assert states[: int(LEASE) - 1] == [PresenceState.ONLINE] * (int(LEASE) - 1)
    assert states[-1] is PresenceState.OFFLINE
    assert house.processes[survivor].board.peers == 0


def test_a_process_that_starts_learns_in_a_second_who_is_there() -> None:
    house = House()
    old = house.start()
    for user in PEOPLE:
        house.open(old, user)
    for _ in range(3):
        house.second()
    new = house.start()
    house.second()
    house.second()
    assert [house.processes[new].board.state_of(user) for user in PEOPLE] == [PresenceState.ONLINE] * 3


def test_while_nothing_can_be_heard_silence_means_nothing() -> None:
    house = House()
    here, there = house.start(), house.start()
    house.open(there, "ada")
    for _ in range(3):
        house.second()
    house.processes[here].cut = True
    for _ in range(int(LEASE) * 3):
        house.second()
        assert house.processes[here].board.state_of("ada") is PresenceState.ONLINE
    house.processes[here].cut = False
    house.second()
    assert house.processes[here].board.state_of("ada") is PresenceState.ONLINE


def test_a_process_that_stood_still_does_not_think_that_the_others_are_gone() -> None:
    house = House()
    here, there = house.start(), house.start()
    house.open(there, "ada")
    for _ in range(3):
        house.second()
    house.now += LEASE * 10
    house.look(here)
    assert house.processes[here].board.state_of("ada") is PresenceState.ONLINE


def test_many_people_are_told_in_parts_and_a_missing_part_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_module, "PEOPLE_IN_A_PART", 10)
    house = House()
    old = house.start()
    people = [str(number) for number in range(35)]
    for user in people:
        house.open(old, user)
    for _ in range(3):
        house.second()
    new = house.start()
    house.look(new)
    house.deliver()
    house.look(old)
    whole = [word for word in house.queues[old, new] if isinstance(word, words.Whole)]
    assert [(word.part, word.parts, len(word.people)) for word in whole] == [
        (0, 4, 10),
        (1, 4, 10),
        (2, 4, 10),
        (3, 4, 5),
    ]
    house.queues[old, new].remove(whole[1])
    house.deliver()
    assert house.processes[new].board.state_of(people[0]) is PresenceState.OFFLINE, "not by halves"
    for _ in range(int(BEAT) + 3):
        house.second()
    assert {house.processes[new].board.state_of(user) for user in people} == {PresenceState.ONLINE}


def test_a_quiet_process_says_little() -> None:
    house = House()
    first, second = house.start(), house.start()
    for number in range(100):
        house.open(first, str(number))
    for _ in range(3):
        house.second()
    said: list[words.Word] = []
    for _ in range(20):
        house.look(first)
        said += house.queues[first, second]
        house.deliver()
        house.now += 1
    assert {type(word) for word in said} == {words.Alive}
    assert len(said) <= 20 / BEAT + 1


Step = tuple[str, int, int, bool]
STEPS = st.lists(
    st.one_of(
        st.just(("second", 0, 0, True)),
        st.tuples(st.just("open"), st.integers(0, 2), st.integers(0, 2), st.booleans()),
        st.tuples(st.sampled_from(["close", "use"]), st.integers(0, 30), st.just(0), st.booleans()),
    ),
    max_size=60,
)


@given(STEPS, st.integers(0, 2**32))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nobody_flaps_and_nobody_lingers(steps: list[Step], seed: int) -> None:
    """Without losses: who was there within the grace time is not offline, everybody else is, on every process alike."""
    house, order = House(), random.Random(seed)
    names = [house.start() for _ in range(3)]
    seen: dict[str, list[PresenceState]] = defaultdict(list)
    house.second(order)
    house.second(order)
    for kind, number, place, flag in [*steps, *[("second", 0, 0, True)] * 8]:
        open_devices = [(name, device) for name in names for device in sorted(house.processes[name].devices)]
        if kind == "open":
            house.open(names[place], PEOPLE[number], active=flag)
        elif kind == "second":
            for user in PEOPLE:
                seen[user].append(house.truth(user))
            house.second(order)
            for user in PEOPLE:
                check_shown(house.shown(user), seen[user])
        elif open_devices:
            name, device = open_devices[number % len(open_devices)]
            if kind == "close":
                house.close(name, device)
            else:
                house.use(name, device, active=flag)


def check_shown(shown: list[PresenceState], seen: list[PresenceState]) -> None:
    """`seen` are the true states of the seconds so far, the newest last."""
    recently = set(seen[-int(GRACE) - 1 :])
    if recently == {PresenceState.OFFLINE}:
        assert set(shown) == {PresenceState.OFFLINE}
    else:
        assert PresenceState.OFFLINE not in shown
    if len(seen) > GRACE and len(recently) == 1:
        assert set(shown) == {seen[-1]}


class Storm(RuleBasedStateMachine):
    """Everything goes wrong for a while; then nothing does, and all agree on the truth."""

    @initialize()
    def begin(self) -> None:
        self.house = House()
        self.house.start()

    @rule(seconds=st.sampled_from([0.1, 0.5, 1.0, 2.5, 9.0]), pick=st.randoms(use_true_random=False))
    def time_passes(self, seconds: float, pick: random.Random) -> None:
        names = list(self.house.processes)
        pick.shuffle(names)
        for name in names[: pick.randint(0, len(names))]:
            self.house.look(name)
        self.house.now += seconds

    @rule()
    def words_arrive(self) -> None:
        self.house.deliver()

    @rule(pick=st.randoms(use_true_random=False))
    def words_are_lost(self, pick: random.Random) -> None:
        for queue in self.house.queues.values():
            queue[:] = [word for word in queue if pick.random() < 0.5]

    @rule(pick=st.randoms(use_true_random=False))
    def words_come_twice(self, pick: random.Random) -> None:
        for queue in self.house.queues.values():
            queue[:] = [word for word in queue for _ in range(pick.randint(1, 2))]

    @precondition(lambda self: len(self.house.processes) < 4)
    @rule()
    def a_process_starts(self) -> None:
        self.house.start()

    @precondition(lambda self: len(self.house.processes) > 1)
    @rule(number=st.integers(0, 3))
    def a_process_is_killed(self, number: int) -> None:
        names = list(self.house.processes)
        self.house.kill(names[number % len(names)])

    @rule(number=st.integers(0, 3))
    def a_process_loses_or_finds_the_bus(self, number: int) -> None:
        process = list(self.house.processes.values())[number % len(self.house.processes)]
        process.cut = not process.cut

    @rule(user=st.sampled_from(PEOPLE), number=st.integers(0, 3), active=st.booleans())
    def a_device_connects(self, user: str, number: int, active: bool) -> None:
        names = list(self.house.processes)
        self.house.open(names[number % len(names)], user, active=active)

    @rule(pick=st.randoms(use_true_random=False), active=st.sampled_from([None, True, False]))
    def a_device_goes_or_is_put_down(self, pick: random.Random, active: bool | None) -> None:
        devices = [(name, device) for name, one in self.house.processes.items() for device in one.devices]
        if devices:
            name, device = pick.choice(devices)
            if active is None:
                self.house.close(name, device)
            else:
                self.house.use(name, device, active=active)

    @invariant()
    def who_is_connected_here_is_there(self) -> None:
        if not hasattr(self, "house"):
            return
        for process in self.house.processes.values():
            for user in PEOPLE:
                if user not in process.noted:
                    assert strongest((process.here(user), process.board.state_of(user))) is process.board.state_of(user)

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        for process in self.house.processes.values():
            process.cut = False
        for _ in range(int(GRACE + LEASE + BEAT) + 6):
            self.house.second()
        for user in PEOPLE:
            assert set(self.house.shown(user)) == {self.house.truth(user)}
        for process in self.house.processes.values():
            assert process.board.peers == len(self.house.processes) - 1


TestStorm = Storm.TestCase
TestStorm.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
