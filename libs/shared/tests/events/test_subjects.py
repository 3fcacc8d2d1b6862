"""Subjects say where an event belongs, and can be read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia_shared.events import SHARDS, Address, Topology, shard_of

ids = st.uuids().map(str)
addresses = st.builds(
    Address,
    shard=st.integers(0, SHARDS - 1),
    workspace_id=st.none() | ids,
    scope=st.sampled_from(["ch", "ws", "user"]),
    id=ids,
)
prefixes = st.from_regex(r"[a-z0-9]{0,8}_?", fullmatch=True)


@given(prefixes, addresses)
def test_a_subject_reads_back_as_the_address_it_was_made_of(prefix: str, address: Address):
    topology = Topology(prefix)

    assert topology.parse(topology.evt(address)) == address


@given(prefixes, addresses)
def test_the_republished_twin_reads_back_as_the_same_address(prefix: str, address: Address):
    topology = Topology(prefix)
    tail = topology.evt(address).removeprefix(prefix)

    assert topology.parse(f"{prefix}live.{tail}") == address


@pytest.mark.parametrize(
    "subject", ["", "evt", "evt.01.w.ch", "evt.01.w.role.x", "live.sync.typing.w.c", "evt.xx.w.ch.c"]
)
def test_anything_else_is_refused(subject: str):
    with pytest.raises(ValueError, match=r".+"):
        Topology().parse(subject)


@given(ids)
def test_a_lane_is_stable_and_in_range(key: str):
    assert 0 <= shard_of(key) < SHARDS
    assert shard_of(key) == shard_of(key)


def test_the_lanes_of_known_ids_never_change():
    """A different hash would break the order across an upgrade."""
    assert [shard_of(key) for key in ("", "a", "01990000-0000-7000-8000-000000000000")] == [0, 3, 18]
