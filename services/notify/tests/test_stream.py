"""The stream as a client sees it: frames, tokens, cursors, resuming."""

from typing import Any


async def test_a_new_stream_says_hello_and_then_what_happens_in_my_channels(world: Any) -> None:
    channel, other = "c" * 36, "d" * 36
    ada = world.person(channel)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        hello = await stream.hello()
        assert hello["resumed"] is False
        assert stream.preamble[0].comment == "ok"
        await world.publish(
            world.message(channel, "one"), world.message(other, "secret"), world.message(channel, "two")
        )
        assert await stream.texts(2) == ["one", "two"]


async def test_a_client_resumes_from_the_ring(world: Any) -> None:
    channel = "c" * 36
    ada = world.person(channel)
    async with world.notify() as notify:
        stream = await notify.stream(world.token(ada))
        await stream.hello()
        await world.publish(world.message(channel, "one"))
        assert await stream.texts(1) == ["one"]
        stream.answer.close()
        await world.publish(world.message(channel, "two"))
        again = await notify.stream(world.token(ada), last_event_id=stream.last_id)
        assert (await again.hello())["resumed"] is True
        await world.publish(world.message(channel, "three"))
        assert await again.texts(2) == ["two", "three"]
