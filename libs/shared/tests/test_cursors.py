"""Cursors: positions that cannot be read, forged or handed to somebody else."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia_shared.cursors import LIFETIME, CursorRejected, CursorSealer, Position
from tertulia_shared.settings import SecretKeys

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANA, BEN = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
sealer = CursorSealer(SecretKeys(b"s" * 32))

positions = st.builds(Position, epoch=st.uuids().map(lambda value: value.hex), seq=st.integers(0, 2**63))


@given(positions)
def test_an_event_id_opens_for_everybody(position: Position):
    sealed = sealer.seal_event(position)

    assert sealer.open(sealed, ANA, NOW) == position == sealer.open(sealed, BEN, NOW)


@given(positions)
def test_a_user_cursor_opens_for_its_user_alone(position: Position):
    sealed = sealer.seal_user(ANA, position, NOW)

    assert sealer.open(sealed, ANA, NOW) == position
    assert _rejection(sealed, BEN) == "foreign"


def test_a_user_cursor_expires():
    sealed = sealer.seal_user(ANA, Position("ab" * 16, 7), NOW)

    assert sealer.open(sealed, ANA, NOW + LIFETIME).seq == 7
    assert _rejection(sealed, ANA, NOW + LIFETIME + timedelta(seconds=1)) == "expired"


@given(positions, st.data())
def test_a_changed_cursor_is_refused(position: Position, data: st.DataObject):
    sealed = sealer.seal_user(ANA, position, NOW)
    index = data.draw(st.integers(0, len(sealed) - 2))
    other = data.draw(st.sampled_from("ABCDabcd0123_-").filter(lambda letter: letter != sealed[index]))

    assert _rejection(sealed[:index] + other + sealed[index + 1 :], ANA) == "invalid"


@given(st.text(max_size=200))
def test_made_up_text_is_refused(text: str):
    assert _rejection(text, ANA) == "invalid"


def test_a_cursor_of_the_former_secret_still_opens_and_a_strange_one_does_not():
    position = Position("cd" * 16, 42)
    former = CursorSealer(SecretKeys(b"f" * 32)).seal_event(position)
    rotated = CursorSealer(SecretKeys(b"n" * 32, previous=(b"f" * 32,)))

    assert rotated.open(former, ANA, NOW) == position
    with pytest.raises(CursorRejected):
        CursorSealer(SecretKeys(b"n" * 32)).open(former, ANA, NOW)


def test_positions_do_not_show_in_the_text():
    """Two seals of one position differ, so nobody can count events by comparing ids."""
    position = Position("ef" * 16, 1)

    assert sealer.seal_event(position) != sealer.seal_event(position)


def _rejection(text: str, user_id: str, now: datetime = NOW) -> str:
    with pytest.raises(CursorRejected) as caught:
        sealer.open(text, user_id, now)
    return caught.value.reason
