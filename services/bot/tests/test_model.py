"""The local model, really: its process, its exact token counts, answers that stream and stop."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import aiohttp
import pytest

from tertulia_bot.context.prompt import Room, compose
from tertulia_bot.errors import ModelUnavailable, RunFailed
from tertulia_bot.provider.completions import Provider, ProviderBroken, Request
from tertulia_bot.provider.local import NICENESS
from tertulia_bot.provider.model import Model
from tertulia_bot.settings import ModelSettings
from tertulia_bot.wish import Ask, Translate
from tertulia_shared.events import RunState
from tertulia_stack.ports import free_port

from .people import Problem, eventually
from .providers import start_model
from .test_citations import source
from .test_prompt import opened

CONTEXT = 2048
LONG = pytest.mark.full


@pytest.fixture
async def provider(real_model):
    provider = Provider(real_model.url, "")
    yield provider
    await provider.close()


@pytest.fixture
async def known(provider):
    async with Model(provider, "", CONTEXT) as model:
        await model.look()
        yield model.require()


async def test_it_says_what_it_is(known):
    assert known.name == "smollm2-135m-instruct"
    assert (known.llama, known.slots, known.context_tokens) == (True, 2, CONTEXT)


async def _real_tokens(provider, known, prompt):
    request = Request(model=known.name, system=prompt.system, user=prompt.user, max_tokens=1, llama=True)
    async with aclosing(provider.stream(request)) as pieces:
        used = [piece.used async for piece in pieces if piece.used is not None]
    return used[-1].prompt


WORDS = [
    "apple",
    "river",
    "ärger",
    "日本語",
    "🦊",
    "<|im_end|>",
    "run-time",
    "1234567",
    "def",
    "f(x):",
    "[3]",
    "…",
    "zebra",
]


@pytest.mark.parametrize("size", [40, *(pytest.param(size, marks=LONG) for size in (1, 250, 700))])
async def test_the_prompt_takes_exactly_what_was_counted(provider, known, size):
    dice = random.Random(size)

    def text(words):
        return " ".join(dice.choice(WORDS) for _ in range(words))

    room = Room(prompt=500, context=300)
    messages = [text(dice.randint(1, size)) for _ in range(12)]
    sources = [source(number, text(size)) for number in range(100, 104)]
    question = text(min(size, 120))
    prompt = await compose(Ask(question=question), opened(messages), None, sources, known.counter, room)
    assert prompt.tokens <= room.prompt
    assert await _real_tokens(provider, known, prompt) == prompt.tokens


async def test_a_question_of_ten_thousand_characters_fits_or_is_refused(known):
    question = ("What do you think of this, my friend? " * 300)[:10_000]
    alone = await known.counter.prompt("", question)
    messages, sources = ["hello there"] * 20, [source(200, "A source.")]
    tight = Room(prompt=alone + 200, context=1024)
    prompt = await compose(Ask(question=question), opened(messages), None, sources, known.counter, tight)
    assert question.strip() in prompt.user
    assert prompt.tokens <= tight.prompt
    with pytest.raises(RunFailed, match="question_too_long"):
        await compose(
            Translate(language="French", text=question),
            opened([]),
            None,
            [],
            known.counter,
            Room(prompt=alone - 1, context=1024),
        )


async def test_lines_are_counted_in_one_question(known):
    texts = ["", "hello world", "🦊🦊🦊", "x" * 300, "日本語"]
    counts = await known.counter.each(texts)
    whole = await known.counter.each(["\n".join(texts)])
    assert len(counts) == len(texts)
    assert sum(counts) == sum(whole)
    assert all(count >= 1 for count in counts[1:])


async def _working(root):
    """The slots that work on something, and how much of its prompt each has read."""
    async with aiohttp.ClientSession() as http, http.get(f"{root}/slots") as answer:
        return [slot["n_prompt_tokens_processed"] for slot in await answer.json() if slot["is_processing"]]


@pytest.mark.parametrize("after", ["reading", "writing"])
async def test_leaving_the_stream_frees_the_slot(real_model, provider, known, after):
    """Not by coming to the end: little of the prompt was read, or of the answer written."""
    words = 1500 if after == "reading" else 3
    request = Request(model=known.name, system="Count.", user="word " * words, max_tokens=400, llama=True)
    async with aclosing(provider.stream(request)) as pieces:
        async for piece in pieces:
            assert piece.used is None
            if after == "reading" or piece.text:
                break
    read = [0]

    async def free():
        working = await _working(real_model.root)
        read.extend(working)
        return not working

    await eventually(free)
    assert max(read) < max(words, 100) / 2


async def test_an_answer_of_the_real_model(world, real_model):
    async with world.bot(real_model.url) as parts:
        assert parts.model.slots == 2
        ana = await world.person()
        workspace, general = await ana.workspace()
        await ana.say(general, "The release party is on Friday at noon.")
        run = await ana.command(general, "/ask When is the release party?")
        ended = await ana.ended(run.id)
        assert (ended.state, ended.model) == (RunState.DONE, "smollm2-135m-instruct")
        (posted,) = await ana.answers(general)
        assert posted.text.strip()
        assert posted.text.startswith(world.heard.text(run.id).rstrip("…")[:20])
        assert 0 < ended.completion_tokens <= 64
        usage = await ana.bot("GET", f"/workspaces/{workspace}/ai/usage")
        assert (usage["used"], usage["reserved"]) == (ended.prompt_tokens + ended.completion_tokens, 0)
        (model,) = (await ana.bot("GET", "/ai/models"))["items"]
        assert model["local"]
        assert "very small" in model["note"]
        assert model["context_tokens"] == CONTEXT


async def test_stopping_the_real_model(world, real_model):
    async with world.bot(real_model.url, max_answer_tokens=900):
        ana = await world.person()
        _, general = await ana.workspace()
        run = await ana.command(general, "/ask Tell me a very long story about a river, in many chapters.")

        async def begun():
            return (await ana.run(run.id)).text

        await eventually(begun, 120)
        await ana.stop(run.id)
        ended = await ana.ended(run.id)
        assert ended.state in {RunState.STOPPED, RunState.DONE}
        assert ended.completion_tokens > 0

        async def free():
            return not await _working(real_model.root)

        await eventually(free)


async def test_ten_thousand_characters_end_to_end(world, real_model):
    async with world.bot(real_model.url):
        ana = await world.person()
        _, general = await ana.workspace()
        with pytest.raises(Problem) as refused:
            await ana.command(general, "/ask " + "Unbelievable 🦊 " * 660)
        assert refused.value.code == "question_too_long"


# -- the process ---------------------------------------------------------------------------------------------


def _refused(**environment):
    ended = subprocess.run(
        [sys.executable, "-m", "tertulia_bot", "model"],
        env={**os.environ, "PORT": "0", **environment},
        capture_output=True,
        timeout=120,
        text=True,
    )
    assert ended.returncode == 2
    return ended.stderr


def test_weights_that_cannot_be_served_are_explained(tmp_path):
    assert "there is no file" in _refused(MODEL_PATH=str(tmp_path / "missing.gguf"))
    (tmp_path / "text.gguf").write_text("not a model")
    assert "not a model in GGUF format" in _refused(MODEL_PATH=str(tmp_path / "text.gguf"))
    (tmp_path / "broken.gguf").write_bytes(b"GGUF" + b"\xff" * 5000)
    assert "cannot be served" in _refused(MODEL_PATH=str(tmp_path / "broken.gguf"))


def test_a_signal_ends_the_model_cleanly():
    server = start_model(MODEL_THREADS="1", MODEL_SLOTS="1", MODEL_CONTEXT_TOKENS="256", LOG_LEVEL="info")
    try:
        assert server.process.stderr is not None
        for line in server.process.stderr:
            if b"model.started" in line:
                break
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
    finally:
        server.process.kill()
        server.process.communicate()


_SIGNALLED_BEFORE_IT_STARTS = """
import os, signal
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
os.kill(os.getpid(), signal.SIGTERM)
from tertulia_bot.__main__ import main
main(["model"])
"""


@pytest.mark.parametrize("time", [0, *(pytest.param(time, marks=LONG) for time in (1, 2))])
def test_a_signal_that_waits_already_ends_it_as_cleanly(time):
    """On one processor the server's loop begins late, and a destructor that came first would wait for ever."""
    environment = {"PORT": "0", "MODEL_THREADS": "1", "MODEL_SLOTS": "1", "MODEL_CONTEXT_TOKENS": "256"}
    code = [sys.executable, "-c", _SIGNALLED_BEFORE_IT_STARTS]
    ended = subprocess.run(code, env={**os.environ, **environment}, capture_output=True, timeout=120)
    assert ended.returncode == 0
    assert b"model.stopped" in ended.stderr


async def _end_in_the_middle(server, provider, request):
    async with aclosing(provider.stream(request)) as pieces:
        async for _ in pieces:
            server.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("words", [pytest.param(3, id="writing"), pytest.param(900, id="reading", marks=LONG)])
async def test_a_signal_in_the_middle_of_an_answer_ends_it(words):
    server = start_model(MODEL_SLOTS="1")
    provider = Provider(server.url, "")
    try:
        assert server.process.stderr is not None
        for line in server.process.stderr:
            if b"model.started" in line:
                break
        request = Request(model="any", system="Count.", user="word " * words, max_tokens=900, llama=True)
        with pytest.raises(ProviderBroken):
            await _end_in_the_middle(server, provider, request)
        assert await asyncio.to_thread(server.process.wait, 60) == 0
    finally:
        server.process.kill()
        server.process.communicate()
        await provider.close()


def test_it_lets_everybody_else_go_first(real_model):
    """Its threads are those that think."""
    pid = real_model.process.pid
    threads = [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]
    assert len(threads) > 1
    expected = min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS)
    assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {expected}


def test_starting_the_bot_does_not_wait_for_the_package_of_the_provider():
    code = "import sys, tertulia_bot.app; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


def test_a_taken_port_is_an_error(real_model):
    port = real_model.root.rpartition(":")[2]
    assert f"port {port}" in _refused(PORT=port)


def test_the_settings_of_the_model():
    assert ModelSettings(port=free_port()).model_slots == 2


async def test_a_model_that_goes_and_comes_back(scripted):
    provider = Provider(scripted.url, "")
    async with Model(provider, "wanted", 4096) as model:
        await model.look()
        assert model.require().name == "wanted"
        scripted.down = True
        looking = asyncio.ensure_future(model.run())
        model.doubt()

        async def lost():
            return model.slots == 16 and model.last_name == "wanted" and _is_down(model)

        await eventually(lost)
        scripted.down = False
        await eventually(lambda: _came(model))
        looking.cancel()
    await provider.close()


def _is_down(model):
    try:
        model.require()
    except ModelUnavailable as error:
        return "503" in (error.detail or "")
    return False


async def _came(model):
    return not _is_down(model)
