"""Names: what `from:ada` and `in:tea` mean."""

from datetime import UTC, datetime

import msgspec
import pytest

from tertulia_shared import events
from tertulia_shared.events import ChannelKind, PresenceWish, Role
from tertulia_shared.membership import Projection, Revocations, SnapshotFailed
from tertulia_shared.membership import projection as projection_module
from tertulia_shared.membership.snapshot import Line, take


def _projection(*lines: dict[str, object]) -> Projection:
    projection = Projection()
    for line in lines:
        take(msgspec.convert(line, Line), projection, Revocations())
    return projection


def test_people_are_found_by_name_among_those_of_the_workspace() -> None:
    projection = _projection(
        {"w": "W", "u": "1", "role": "owner", "name": "ada"}, {"w": "V", "u": "2", "role": "member", "name": "bob"}
    )
    assert (projection.user_named("W", "ada"), projection.user_named("W", "ADA")) == ("1", "1")
    assert (projection.user_named("W", "bob"), projection.user_named("V", "bob")) == (None, "2")
    assert (projection.username_of("2"), projection.username_of("3")) == ("bob", None)
    assert (projection.role_of("W", "1"), projection.role_of("V", "1")) == (Role.OWNER, None)


def test_a_new_name_replaces_the_former_one() -> None:
    projection = _projection({"w": "W", "u": "1", "role": "owner", "name": "ada"})
    now = datetime(2026, 11, 24, tzinfo=UTC)
    user = events.User(id="1", username="countess", display_name="Ada", created_at=now)
    assert projection.apply(events.UserUpdated(user=user), "W", None, None) is False
    assert (projection.user_named("W", "ada"), projection.user_named("W", "countess")) == (None, "1")


def test_how_somebody_wants_to_appear_is_known_wherever_they_are() -> None:
    projection = _projection(
        {"u": "1", "wish": "offline"}, {"u": "2", "wish": "away"}, {"u": "3", "wish": "of a later day"}
    )
    wishes = [projection.presence_wish_of(user) for user in ("1", "2", "3", "4")]
    assert wishes == [PresenceWish.OFFLINE, PresenceWish.AWAY, PresenceWish.OFFLINE, PresenceWish.AUTO]
    for wish in (PresenceWish.AUTO, PresenceWish.AUTO, PresenceWish.AWAY):
        fact = events.PresenceUpdated(user_id="1", presence=events.PresenceSettings(state=wish))
        assert projection.apply(fact, None, None, None) is False
        assert projection.presence_wish_of("1") is wish


def test_channels_that_swap_their_names_are_both_found() -> None:
    projection = Projection()
    projection.describe_channel("A", "W", ChannelKind.PUBLIC, "tea")
    projection.describe_channel("B", "W", ChannelKind.PUBLIC, "coffee")
    projection.describe_channel("A", "W", ChannelKind.PUBLIC, "coffee")
    projection.describe_channel("B", "W", ChannelKind.PUBLIC, "tea")
    assert (projection.channel_named("W", "Tea"), projection.channel_named("W", "coffee")) == ("B", "A")
    assert (projection.name_of_channel("A"), projection.name_of_channel("?")) == ("coffee", None)
    assert projection.channel_named("V", "tea") is None


def test_a_channel_can_become_private() -> None:
    projection = _projection({"w": "W", "u": "1", "role": "owner"}, {"c": "A", "n": 1, "w": "W", "k": "public"})
    assert projection.readable("W", "1") == {"A"}
    projection.describe_channel("A", "W", ChannelKind.PRIVATE, None, as_of=2)
    assert projection.readable("W", "1") == frozenset()
    projection.describe_channel("A", "W", ChannelKind.PUBLIC, "before", as_of=1)
    assert (projection.readable("W", "1"), projection.channel_named("W", "before")) == (frozenset(), None)
    assert projection.kind_of("A") is ChannelKind.PRIVATE
    assert projection.kind_of("?") is None


def test_remembered_answers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection_module, "REMEMBERED_ANSWERS", 10)
    projection = _projection({"c": "A", "w": "W", "u": "1", "s": 1})
    for number in range(100):
        projection.readable("W", str(number))
        assert len(projection._readable["W"]) <= 10
    assert projection.readable("W", "1") == {"A"}


@pytest.mark.parametrize("line", [{}, {"w": "W"}, {"c": "A", "u": "1", "s": 3}])
def test_a_line_that_says_nothing_is_refused(line: dict[str, object]) -> None:
    with pytest.raises(SnapshotFailed):
        _projection(line)


def test_fields_of_a_yet_newer_chat_are_passed_over() -> None:
    projection = _projection({"c": "A", "n": 1, "w": "W", "k": "public", "name": "tea", "topic": "x", "archived": True})
    assert projection.channel_named("W", "tea") == "A"
