"""When the sockets are written to, and with how much: the line, its slices, and the window after a burst."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tertulia_notify.delivery.batch import Batch
from tertulia_notify.delivery.connection import MAX_QUEUED_BYTES, MAX_QUEUED_EVENTS, PIECE_BYTES, Connection
from tertulia_notify.delivery.outbox import STEP, Outbox
from tertulia_shared.runtime.http import DirectBody

CHANNEL = "c" * 36
ONE = Batch([b"id: 1\ndata: one\n\n"])
TWO = Batch([b"id: 2\ndata: two\n\n"])


class Socket:
    """What one connection wrote, write by write."""

    def __init__(self, outbox: Outbox, pause_s: float = 0.0) -> None:
        self.writes: list[bytes] = []
        self.connection = Connection("ada", "session", 0.0)
        self._pause_s = pause_s
        self.body = DirectBody(self._write, self.connection)
        self.connection.open(self.body, outbox)

    def block(self) -> None:
        self.body.blocked = True

    def take_again(self) -> None:
        self.body.blocked = False
        self.connection.writable()

    def _write(self, data: bytes) -> None:
        time.sleep(self._pause_s)
        self.writes.append(data)


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0)


async def test_one_event_waits_for_nothing_and_every_socket_gets_the_same_bytes() -> None:
    outbox = Outbox()
    sockets = [Socket(outbox) for _ in range(100)]
    outbox.arrived(1)
    for socket in sockets:
        assert socket.connection.push(ONE)
    assert not any(socket.writes for socket in sockets)
    await turns(2 + len(sockets) // STEP)  # a slice takes a step at least, on the slowest machine
    assert all(len(socket.writes) == 1 and socket.writes[0] is ONE.chunk for socket in sockets)


async def test_what_comes_in_one_turn_leaves_in_one_write() -> None:
    outbox = Outbox()
    socket = Socket(outbox)
    for batch in (ONE, TWO):
        socket.connection.push(batch)
    socket.connection.push_ephemeral(("c", "u"), b"event: typing\n\n")
    await turns()
    assert socket.writes == [ONE.chunk + TWO.chunk + Batch([b"event: typing\n\n"]).chunk]


async def test_new_events_come_in_between_the_slices_and_join_what_still_waits() -> None:
    outbox = Outbox()
    sockets = [Socket(outbox, pause_s=0.001) for _ in range(200)]
    outbox.arrived(1)
    for socket in sockets:
        socket.connection.push(ONE)
    await until(lambda: bool(sockets[0].writes))
    assert not sockets[-1].writes, "one slice does not take it all"
    outbox.arrived(1)
    for socket in sockets:
        socket.connection.push(TWO)
    await until(lambda: not outbox.line)
    assert sockets[0].writes == [ONE.chunk, TWO.chunk]
    assert sockets[-1].writes == [ONE.chunk + TWO.chunk]


async def test_after_a_burst_the_next_round_waits_for_a_lull_but_not_for_long() -> None:
    outbox = Outbox()
    sockets = [Socket(outbox, pause_s=0.02)]
    outbox.arrived(2)
    sockets[0].connection.push(ONE)
    sockets[0].connection.push(TWO)
    await until(lambda: len(sockets[0].writes) == 1)
    came = 0
    async with asyncio.timeout(2):
        while len(sockets[0].writes) < 2:
            outbox.arrived(1)
            if came < 100:
                sockets[0].connection.push(ONE)
                came += 1
            await asyncio.sleep(0)
    assert sockets[0].writes[1].count(ONE.chunk) > 1, "although more kept coming it ended"


async def test_a_burst_that_is_over_is_forgotten() -> None:
    outbox = Outbox()
    socket = Socket(outbox, pause_s=0.02)
    outbox.arrived(2)
    socket.connection.push(ONE)
    await until(lambda: len(socket.writes) == 1)
    await asyncio.sleep(0.06)
    outbox.arrived(1)
    socket.connection.push(TWO)
    await turns()
    assert len(socket.writes) == 2


async def test_a_long_line_ends_nobody_whose_socket_takes_everything() -> None:
    outbox = Outbox()
    socket = Socket(outbox)
    for _ in range(MAX_QUEUED_EVENTS * 3):
        assert socket.connection.push(ONE)
    await turns()
    assert b"".join(socket.writes).count(ONE.chunk) == MAX_QUEUED_EVENTS * 3
    assert socket.connection.bye is None


async def test_a_socket_that_fails_holds_nobody_up() -> None:
    outbox = Outbox()
    broken, sound = Socket(outbox), Socket(outbox)

    def fail(_: bytes) -> None:
        raise RuntimeError("closed")

    broken.body.write = fail
    for socket in (broken, sound):
        socket.connection.push(ONE)
    await turns()
    assert sound.writes == [ONE.chunk]
    assert broken.connection.gone


async def test_a_socket_that_fails_while_room_is_made_holds_nobody_up() -> None:
    """The line has not come to it yet: it is written to from inside the push."""
    socket = Socket(Outbox())

    def fail(_: bytes) -> None:
        raise RuntimeError("closed")

    socket.body.write = fail
    for _ in range(MAX_QUEUED_EVENTS + 1):
        assert socket.connection.push(ONE)
    assert socket.connection.gone


async def test_a_blocked_socket_gets_pieces_of_bounded_size_once_it_takes_more() -> None:
    outbox = Outbox()
    socket = Socket(outbox)
    kib = Batch([b"id: 1\ndata: " + b"x" * 1024 + b"\n\n"])
    socket.connection.push(kib)
    await turns()
    socket.block()
    for _ in range(MAX_QUEUED_EVENTS):
        assert socket.connection.push(kib)
    await turns()
    assert len(socket.writes) == 1, "nothing is written to a socket that is blocked"
    socket.take_again()
    await turns()
    assert max(map(len, socket.writes)) < PIECE_BYTES + 16 * 1024
    assert b"".join(socket.writes).count(kib.chunk) == MAX_QUEUED_EVENTS + 1
    assert (socket.connection.queued_bytes, socket.connection.queued_events) == (0, 0)


async def test_a_blocked_socket_ends_at_the_bounds_and_says_bye_when_it_takes_more() -> None:
    outbox = Outbox()
    socket = Socket(outbox)
    socket.block()
    large = Batch([b"x" * (MAX_QUEUED_BYTES // 4)])
    assert all(socket.connection.push(large) for _ in range(4))
    assert socket.connection.push(large) is False
    ended = asyncio.ensure_future(socket.connection.finished())
    await turns()
    assert not ended.done()
    socket.take_again()
    await asyncio.wait_for(ended, 1)
    assert len(socket.writes) == 1
    assert b'{"reason":"slow"' in socket.writes[0]


async def test_who_joins_in_the_middle_of_a_burst_sees_only_what_came_after(world: Any) -> None:
    """The events of one read are queued together; a change of the audience divides them."""
    ada, eve = world.person(CHANNEL), world.person()
    async with world.notify() as notify:
        hers, eves = await notify.stream(world.token(ada)), await notify.stream(world.token(eve))
        await hers.hello()
        await eves.hello()
        burst = [world.message(CHANNEL, "before"), world.message(CHANNEL, "before too"), world.joined(CHANNEL, eve)]
        burst += [world.message(CHANNEL, "after"), world.left(CHANNEL, eve), world.message(CHANNEL, "without her")]
        await world.publish(*burst)
        kinds = [frame.event for frame in await hers.durable(6)]
        assert kinds == ["message.created"] * 2 + ["member.joined", "message.created", "member.left", "message.created"]
        seen = await eves.durable(3)
        assert [frame.event for frame in seen] == ["member.joined", "message.created", "member.left"]
        assert seen[1].data["data"]["message"]["text"] == "after"
        await eves.silence(0.2)
