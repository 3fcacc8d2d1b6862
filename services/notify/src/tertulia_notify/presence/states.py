"""The three states of a person, and how devices and wishes make one of them."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from tertulia_shared.events import PresenceWish


class PresenceState(StrEnum):
    ONLINE = "online"
    """Some device is in use."""
    AWAY = "away"
    """Every device that is connected is idle."""
    OFFLINE = "offline"


class PersonState(msgspec.Struct, frozen=True):
    user_id: str
    state: PresenceState


class PresenceFrame(msgspec.Struct, frozen=True):
    """As it goes to the clients."""

    people: list[PersonState]
    type: str = "presence"


_STRENGTH = {PresenceState.OFFLINE: 0, PresenceState.AWAY: 1, PresenceState.ONLINE: 2}


def strongest(states: Iterable[PresenceState]) -> PresenceState:
    """Whoever is in use somewhere is there, whatever the other devices say."""
    return max(states, key=_STRENGTH.__getitem__, default=PresenceState.OFFLINE)


def as_wished(state: PresenceState, wish: PresenceWish) -> PresenceState:
    """What others are shown."""
    if wish is PresenceWish.OFFLINE or state is PresenceState.OFFLINE:
        return PresenceState.OFFLINE
    return PresenceState.AWAY if wish is PresenceWish.AWAY else state
