"""The bus keeps its promises while servers come, go and fall silent."""

import asyncio
from itertools import pairwise

import pytest

from tertulia_shared.bus import Bus, BusMessage, BusUnavailable, NoResponders, RequestTimeout
from tertulia_shared.events import Topology
from tertulia_stack.ports import free_port
from tertulia_stack.servers import NatsServer


async def test_a_plain_callback_gets_messages_in_order_with_headers(bus: Bus, nats_prefix: str, until) -> None:
    received: list[BusMessage] = []
    await bus.subscribe(f"{nats_prefix}a.>", received.append)
    for number in range(500):
        await bus.publish(f"{nats_prefix}a.b", str(number).encode(), {"N": str(number), "Ü": "größer: ja"})
    await until(lambda: len(received) == 500)
    assert [int(message.data) for message in received] == list(range(500))
    assert received[7].headers == {"N": "7", "Ü": "größer: ja"}
    assert received[7].subject == f"{nats_prefix}a.b"


async def test_a_coroutine_callback_gets_messages_in_order(bus: Bus, nats_prefix: str, until) -> None:
    received: list[int] = []

    async def callback(message: BusMessage) -> None:
        await asyncio.sleep(0)
        received.append(int(message.data))

    await bus.subscribe(f"{nats_prefix}a", callback)
    for number in range(100):
        await bus.publish(f"{nats_prefix}a", str(number).encode())
    await until(lambda: len(received) == 100)
    assert received == list(range(100))


async def test_a_callback_that_raises_harms_nobody_else(bus: Bus, nats_prefix: str, until) -> None:
    received: list[bytes] = []

    def broken(message: BusMessage) -> None:
        raise LookupError("broken callback")

    await bus.subscribe(f"{nats_prefix}a", broken)
    await bus.subscribe(f"{nats_prefix}a", lambda message: received.append(message.data))
    await bus.publish(f"{nats_prefix}a", b"1")
    await bus.publish(f"{nats_prefix}a", b"2")
    await until(lambda: received == [b"1", b"2"])
    assert bus.connected


async def test_who_asked_is_told_where_a_run_of_messages_ends_before_anybody_else_has_a_turn(
    bus: Bus, nats_prefix: str, until
) -> None:
    heard: list[str] = []

    def receive(message: BusMessage) -> None:
        heard.append(message.data.decode())
        asyncio.get_running_loop().call_soon(heard.append, "another's turn")

    bus.on_settled(lambda: heard.append("settled") if heard and heard[-1].isdigit() else None)
    await bus.subscribe(f"{nats_prefix}a", receive)
    for number in range(100):
        bus.publish_nowait(f"{nats_prefix}a", str(number).encode())
    await until(lambda: "99" in heard and heard[-1] == "another's turn")
    before_others = {one for one, after in pairwise(heard) if after == "another's turn"}
    assert before_others <= {"settled", "another's turn"}, "never straight after a message"
    assert heard.count("settled") < 50


async def test_unsubscribe_ends_delivery(bus: Bus, nats_prefix: str) -> None:
    received: list[bytes] = []
    subscription = await bus.subscribe(f"{nats_prefix}a", lambda message: received.append(message.data))
    await bus.publish(f"{nats_prefix}a", b"1")
    await bus.flush()
    await subscription.unsubscribe()
    await bus.publish(f"{nats_prefix}a", b"2")
    await bus.flush()
    assert received == [b"1"]


async def test_a_full_queue_drops_and_says_so(bus: Bus, nats_prefix: str, until) -> None:
    lost: list[int] = []
    gate = asyncio.Event()

    async def slow(_: BusMessage) -> None:
        await gate.wait()

    bus.on_lost(lambda: lost.append(1))
    await bus.subscribe(f"{nats_prefix}a", slow, pending_limit=2)
    for _ in range(5):
        await bus.publish(f"{nats_prefix}a", b"")
    await until(lambda: len(lost) >= 2)
    gate.set()


async def test_request_gets_its_answer_and_many_do_not_mix(bus: Bus, nats_prefix: str) -> None:
    def echo(message: BusMessage) -> None:
        bus.publish_nowait(message.reply, message.data)

    await bus.subscribe(f"{nats_prefix}echo", echo)
    answers = await asyncio.gather(*(bus.request(f"{nats_prefix}echo", str(n).encode()) for n in range(50)))
    assert [int(answer.data) for answer in answers] == list(range(50))


async def test_request_says_when_nobody_listens_or_nobody_answers(bus: Bus, nats_prefix: str) -> None:
    with pytest.raises(NoResponders):
        await bus.request(f"{nats_prefix}nobody", b"")
    await bus.subscribe(f"{nats_prefix}silent", lambda message: None)
    with pytest.raises(RequestTimeout):
        await bus.request(f"{nats_prefix}silent", b"", timeout=0.05)


@pytest.mark.parametrize("subject", ["", "a b", "a\r\nPUB x 0", "a\tb"])
async def test_a_subject_cannot_break_out_of_its_line(bus: Bus, subject: str) -> None:
    with pytest.raises(ValueError, match="not a subject"):
        await bus.publish(subject, b"")


async def test_a_header_cannot_break_out_of_its_line(bus: Bus) -> None:
    with pytest.raises(ValueError, match="line break"):
        await bus.publish("a", b"", {"X": "1\r\nNats-Msg-Id: 2"})


async def test_without_a_server_everything_fails_at_once_and_the_first_connection_comes_later(
    tmp_path, nats_prefix: str
) -> None:
    port = free_port()
    async with Bus(f"nats://t@127.0.0.1:{port}", "test", Topology(nats_prefix)) as bus:
        assert not bus.connected
        with pytest.raises(BusUnavailable):
            await bus.publish("a", b"")
        with pytest.raises(BusUnavailable):
            await bus.request("a", b"")
        with pytest.raises(BusUnavailable):
            await bus.check()
        received: list[bytes] = []
        await bus.subscribe("early", lambda message: received.append(message.data))
        server = NatsServer(tmp_path / "nats", port=port, token="t", sync_always=False)
        await asyncio.to_thread(server.start)
        try:
            await bus.wait_connected(10)
            await bus.publish("early", b"1")
            await bus.flush()
            assert received == [b"1"]
            assert bus.generation == 1
        finally:
            server.stop()


async def test_it_comes_back_after_kill_and_restart_with_all_subscriptions(own_nats: NatsServer, until) -> None:
    states: list[str] = []
    received: list[bytes] = []
    async with Bus(own_nats.url, "test") as bus:
        bus.on_disconnected(lambda: states.append("down"))

        async def up() -> None:
            states.append("up")

        bus.on_reconnected(up)
        await bus.wait_connected(5)
        await bus.subscribe("a", lambda message: received.append(message.data))
        await bus.subscribe("silent", lambda message: None)
        waiting = asyncio.gather(bus.request("silent", b"", timeout=60), return_exceptions=True)
        await bus.flush()
        await asyncio.to_thread(own_nats.kill)
        await until(lambda: not bus.connected)
        assert isinstance((await waiting)[0], BusUnavailable)
        with pytest.raises(BusUnavailable):
            await bus.publish("a", b"lost")
        await asyncio.to_thread(own_nats.start)
        await bus.wait_connected(10)
        await bus.publish("a", b"back")
        await until(lambda: received == [b"back"])
        await until(lambda: states == ["down", "up"])
        assert bus.generation == 2


async def test_a_connection_that_only_looks_alive_is_given_up(proxied_url: str, proxy, until) -> None:
    async with Bus(proxied_url, "test", ping_interval_s=0.1) as bus:
        await bus.wait_connected(5)
        proxy.silence()
        await until(lambda: bus.generation == 2)
        await bus.flush()


async def test_the_next_server_of_the_list_is_tried(own_nats: NatsServer) -> None:
    async with Bus(f"nats://t@127.0.0.1:{free_port()}, {own_nats.url}", "test") as bus:
        await bus.wait_connected(5)


async def test_a_wrong_token_is_retried_and_never_logged(own_nats: NatsServer, capfd) -> None:
    url = own_nats.url.replace(own_nats.token, "wrong-token-value")
    async with Bus(url, "test") as bus:
        with pytest.raises(BusUnavailable):
            await bus.wait_connected(0.7)
    out, err = capfd.readouterr()
    assert "authorization" in (out + err).lower()
    assert "wrong-token-value" not in out + err


async def test_leaving_sends_what_was_published(nats_url: str, bus: Bus, nats_prefix: str, until) -> None:
    received: list[bytes] = []
    await bus.subscribe(f"{nats_prefix}bye", lambda message: received.append(message.data))
    await bus.flush()
    async with Bus(nats_url, "other") as other:
        await other.wait_connected(5)
        await other.publish(f"{nats_prefix}bye", b"1")
    await until(lambda: received == [b"1"])
