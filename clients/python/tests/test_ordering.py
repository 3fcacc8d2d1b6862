"""Once and in order: the state machine alone, against a network that does anything."""

from datetime import UTC, datetime
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tertulia_client import Event, EventsPage, MemberJoined, MemberLeft, Reset, Unknown
from tertulia_client.events import Fact
from tertulia_client.models import Channel, ChannelKind, Role, User
from tertulia_client.ordering import MAX_WAITING, REMEMBERED_IDS, Ordering

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ME = "me"


def event(channel: str | None, seq: int | None, data: Fact | None = None, id_: str | None = None) -> Event:
    return Event(
        id=id_ or f"{channel}/{seq}",
        type="message.created",
        v=1,
        workspace_id="w",
        channel_id=channel,
        ch_seq=seq,
        actor_id=None,
        time=NOW,
        data=data or Unknown(raw=b"{}"),
    )


def joined(channel: str, seq: int, user: str = ME) -> Event:
    about = Channel(
        id=channel, workspace_id="w", kind=ChannelKind.PUBLIC, name="c", topic="", created_by="x", created_at=NOW,
        archived_at=None, last_seq=seq, last_msg_seq=0,
    )  # fmt: skip
    who = User(id=user, username=user, display_name=user, created_at=NOW)
    return event(channel, seq, MemberJoined(channel=about, user=who, role=Role.MEMBER))


def left(channel: str, seq: int, user: str = ME) -> Event:
    return event(channel, seq, MemberLeft(user_id=user, reason="removed"))


def seqs(items: list[Event | Reset]) -> list[int | str | None]:
    return [item.reason if isinstance(item, Reset) else item.ch_seq for item in items]


def page(channel: str, first: int, last: int) -> EventsPage:
    return EventsPage(items=[event(channel, n) for n in range(first, last + 1)], last_seq=last, has_more=False)


def test_the_next_event_is_delivered_and_its_copy_is_not():
    order = Ordering({"c": 4}, ME)
    assert seqs(order.accept(event("c", 5))) == [5]
    assert order.accept(event("c", 5)) == []
    assert order.positions == {"c": 5}


def test_an_event_behind_a_hole_waits_until_the_hole_is_filled():
    order = Ordering({"c": 4}, ME)
    assert order.accept(event("c", 7)) == []
    assert order.gaps() == {"c": 4}
    assert seqs(order.fill("c", page("c", 5, 6))) == [5, 6, 7]
    assert order.gaps() == {}


def test_reordering_heals_without_fetching():
    order = Ordering({"c": 0}, ME)
    assert order.accept(event("c", 2)) == []
    assert seqs(order.accept(event("c", 1))) == [1, 2]
    assert order.gaps() == {}


def test_a_bootstrap_that_knows_more_makes_a_gap():
    order = Ordering({"c": 4}, ME)
    order.expect({"c": 9, "new": 3})
    assert order.gaps() == {"c": 4}
    assert seqs(order.accept(event("new", 4))) == [4]


def test_a_hole_that_cannot_be_filled_is_told_and_passed():
    order = Ordering({"c": 4}, ME)
    order.accept(event("c", 9))
    assert order.give_up("c", "events_expired") == [
        Reset(channel_id="c", reason="events_expired", up_to=8),
        event("c", 9),
    ]
    order.expect({"c": 20})
    assert seqs(order.give_up("c", "events_expired")) == ["events_expired"]
    assert order.positions == {"c": 20}


def test_my_joining_starts_a_channel_anywhere():
    order = Ordering({}, ME)
    assert seqs(order.accept(joined("c", 17))) == [17]
    assert seqs(order.accept(event("c", 18))) == [18]


def test_a_channel_whose_joining_was_not_seen_is_told():
    order = Ordering({}, ME)
    assert seqs(order.accept(event("c", 17))) == ["joined_unseen", 17]


def test_after_leaving_old_copies_are_dropped_and_a_new_joining_skips_what_was_between():
    order = Ordering({"c": 4}, ME)
    order.accept(left("c", 5))
    assert order.accept(left("c", 5)) == []
    assert seqs(order.accept(joined("c", 30))) == [30]
    assert order.gaps() == {}


def test_someone_elses_leaving_changes_nothing():
    order = Ordering({"c": 4}, ME)
    order.accept(left("c", 5, "somebody"))
    order.accept(joined("c", 8, "somebody"))
    assert order.gaps() == {"c": 5}


def test_joined_again_while_nobody_looked_starts_at_the_bootstrap():
    order = Ordering({"c": 4}, ME)
    order.accept(left("c", 5))
    order.expect({"c": 50})
    assert order.gaps() == {}
    assert seqs(order.accept(event("c", 51))) == [51]


def test_events_without_a_sequence_pass_once():
    order = Ordering({}, ME)
    assert len(order.accept(event(None, None, id_="a"))) == 1
    assert order.accept(event(None, None, id_="a")) == []
    assert len(order.accept(event(None, None, id_="b"))) == 1


def test_only_so_many_ids_are_remembered():
    order = Ordering({}, ME)
    for number in range(REMEMBERED_IDS + 1):
        order.accept(event(None, None, id_=str(number)))
    assert order.accept(event(None, None, id_=str(REMEMBERED_IDS))) == []
    assert len(order.accept(event(None, None, id_="0"))) == 1


def test_more_waiting_events_than_fit_are_fetched_instead():
    order = Ordering({"c": 0}, ME)
    for seq in range(2, MAX_WAITING + 500):
        assert order.accept(event("c", seq)) == []
    delivered: list[Event | Reset] = []
    while gaps := order.gaps():
        delivered += order.fill("c", page("c", gaps["c"] + 1, min(gaps["c"] + 200, MAX_WAITING + 499)))
    assert seqs(delivered) == list(range(1, MAX_WAITING + 500))


@given(st.permutations(range(1, 30)), st.lists(st.integers(1, 29), max_size=40))
def test_any_order_with_any_copies_comes_out_sorted_once(order_of_arrival, copies):
    order = Ordering({"c": 0}, ME)
    arrivals = [*order_of_arrival, *copies]
    delivered = [item for seq in arrivals for item in order.accept(event("c", seq))]
    assert seqs(delivered) == list(range(1, 30))


class AnyNetwork(RuleBasedStateMachine):
    """Commit, lose, double, reorder, resume badly, repair in pieces: the caller must see 1, 2, 3 … of each channel."""

    channels = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.order = Ordering({"a": 0, "b": 0, "c": 0}, ME)
        self.log = {"a": 0, "b": 0, "c": 0}
        self.wire: list[tuple[str, int]] = []
        self.seen: dict[str, list[int]] = {"a": [], "b": [], "c": []}

    def keep(self, items: list[Event | Reset]) -> None:
        for item in items:
            assert isinstance(item, Event)
            assert item.channel_id is not None
            assert item.ch_seq is not None
            self.seen[item.channel_id].append(item.ch_seq)

    @rule(channel=channels, count=st.integers(1, 6))
    def commit(self, channel: str, count: int) -> None:
        for _ in range(count):
            self.log[channel] += 1
            self.wire.append((channel, self.log[channel]))

    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        if self.wire:
            self.wire.pop(data.draw(st.integers(0, len(self.wire) - 1)))

    @rule(data=st.data())
    def double(self, data: st.DataObject) -> None:
        if self.wire:
            at = data.draw(st.integers(0, len(self.wire) - 1))
            self.wire.insert(data.draw(st.integers(0, len(self.wire))), self.wire[at])

    @rule(data=st.data())
    def deliver_out_of_order(self, data: st.DataObject) -> None:
        if self.wire:
            self.keep(self.order.accept(event(*self.wire.pop(data.draw(st.integers(0, len(self.wire) - 1))))))

    @rule()
    def deliver(self) -> None:
        while self.wire:
            self.keep(self.order.accept(event(*self.wire.pop(0))))

    @rule()
    def reset(self) -> None:
        self.wire.clear()
        self.order.expect(self.log)

    @rule(channel=channels, size=st.integers(0, 5))
    def repair(self, channel: str, size: int) -> None:
        after = self.order.gaps().get(channel)
        if after is not None:
            self.keep(self.order.fill(channel, page(channel, after + 1, min(after + size, self.log[channel]))))

    @invariant()
    def each_once_and_in_order(self) -> None:
        for numbers in self.seen.values():
            assert numbers == list(range(1, len(numbers) + 1))

    def teardown(self) -> None:
        self.reset()
        while gaps := self.order.gaps():
            for channel, after in gaps.items():
                self.keep(self.order.fill(channel, page(channel, after + 1, min(after + 3, self.log[channel]))))
        assert {channel: len(numbers) for channel, numbers in self.seen.items()} == self.log


TestAnyNetwork = AnyNetwork.TestCase
TestAnyNetwork.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)


@given(st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=60))
def test_with_unfillable_holes_the_order_still_never_goes_back(arrivals):
    order = Ordering({"c": 0}, ME)
    delivered: list[Event | Reset] = []
    for seq, expired in arrivals:
        delivered += order.accept(event("c", seq))
        if expired and order.gaps():
            delivered += order.give_up("c", "events_expired")
    numbers = [item.ch_seq or 0 for item in delivered if isinstance(item, Event)]
    assert all(a < b for a, b in pairwise(numbers))
    for item, following in pairwise(delivered):
        if isinstance(following, Event) and following.ch_seq is not None:
            before = item.up_to if isinstance(item, Reset) else (item.ch_seq or 0)
            assert following.ch_seq == before + 1
