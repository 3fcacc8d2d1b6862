"""Tasks belong to the runtime."""

import asyncio
import gc

import pytest

from tertulia_shared.runtime import Health, spawn


async def test_a_task_lives_although_nobody_keeps_it() -> None:
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(1)

    spawn(work(), name="work")
    gc.collect()
    await asyncio.sleep(0.05)
    assert done == [1]


async def test_a_crash_is_logged_and_still_raised(capsys: pytest.CaptureFixture[str]) -> None:
    async def crash() -> None:
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await spawn(crash(), name="the crasher")
    await asyncio.sleep(0)
    captured = capsys.readouterr()
    assert "the crasher" in captured.err + captured.out


async def test_many_probes_ask_a_dependency_once() -> None:
    asked: list[int] = []

    async def check() -> None:
        asked.append(1)
        await asyncio.sleep(0.01)

    health = Health()
    health.add("postgres", check)
    answers = await asyncio.gather(*(health.readiness() for _ in range(20)))
    assert {answer.status for answer in answers} == {"ready"}
    assert asked == [1]
