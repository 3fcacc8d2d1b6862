"""What the handlers need; kept in the application's state."""

from litestar.datastructures import State

from tertulia_notify.admission import Admission
from tertulia_notify.http.long_poll import LongPoll
from tertulia_notify.http.typing import TypingNotices
from tertulia_notify.presence.component import Presence
from tertulia_notify.presence.orders import Orders


class LiveApi:
    def __init__(
        self, admission: Admission, long_poll: LongPoll, typing: TypingNotices, presence: Presence, orders: Orders
    ) -> None:
        self.admission = admission
        self.long_poll = long_poll
        self.typing = typing
        self.presence = presence
        self.orders = orders


def live_api(state: State) -> LiveApi:
    return state.live_api
