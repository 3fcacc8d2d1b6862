"""The three states of a person, and how devices and wishes make one of them."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from tertulia_shared.events import PresenceWish


class State(StrEnum):
    ONLINE = "online"
    """Some device is in use."""
    AWAY = "away"
    """Every device that is connected is idle."""
    OFFLINE = "offline"


class PersonState(msgspec.Struct, frozen=True):
    user_id: str
    state: State


class PresenceFrame(msgspec.Struct, frozen=True):
    """As it goes to the clients."""

    people: list[PersonState]
    type: str = "presence"


_STRENGTH = {State.OFFLINE: 0, State.AWAY: 1, State.ONLINE: 2}


def strongest(states: Iterable[State]) -> State:
    """Whoever is in use somewhere is there, whatever the other devices say."""
    return max(states, key=_STRENGTH.__getitem__, default=State.OFFLINE)


def as_wished(state: State, wish: PresenceWish) -> State:
    """What others are shown."""
    if wish is PresenceWish.OFFLINE or state is State.OFFLINE:
        return State.OFFLINE
    return State.AWAY if wish is PresenceWish.AWAY else state
