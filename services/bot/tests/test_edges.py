"""The HTTP addresses: who may, what is refused, and what works while something is away."""

import pytest

from tertulia_shared.events import RunState

from .people import Problem


async def test_commands_are_described_for_members_of_the_workspace(world, scripted):
    async with world.bot(scripted.url):
        ana, stranger = await world.people(2)
        workspace, general = await ana.workspace()
        items = (await ana.bot("GET", f"/workspaces/{workspace}/commands"))["items"]
        assert [item["name"] for item in items] == ["ask", "summarize", "translate", "help"]
        assert items[2]["arguments"][0] == {
            "name": "language",
            "required": True,
            "hint": 'for example French or "Brazilian Portuguese"',
        }
        with pytest.raises(Problem, match="404"):
            await stranger.bot("GET", f"/workspaces/{workspace}/commands")
        with pytest.raises(Problem, match="404"):
            await stranger.command(general, "/ask What?")
        stranger.token = "nonsense"
        for path in (f"/workspaces/{workspace}/commands", "/ai/models", f"/runs/{general}"):
            with pytest.raises(Problem, match="401"):
                await stranger.bot("GET", path)


async def test_what_is_refused_is_never_posted(world, scripted):
    async with world.bot(scripted.url):
        ana, ben = await world.people(2)
        workspace, general = await ana.workspace()
        plans = await ana.channel(workspace, "plans")
        news = await ana.channel(workspace, "news")
        await ana.invite(workspace, ben)
        await ben.chat("POST", f"/channels/{news}/join")
        await ana.chat("PATCH", f"/channels/{news}", {"posting": "admins"})
        for person, channel, line, status, code in (
            (ana, general, "/sumarize", 422, "unknown_command"),
            (ana, general, "just text", 422, "unknown_command"),
            (ana, general, "/ask", 422, "missing_argument"),
            (ana, general, "/summarize x", 422, "invalid_argument"),
            (ana, general, "/ask " + "long " * 2500, 422, "question_too_long"),
            (ana, general, "/ask " + "x" * 16_001, 422, "validation_failed"),
            (ben, plans, "/ask What?", 403, "not_a_member"),
            (ben, news, "/ask What?", 403, "posting_restricted"),
        ):
            with pytest.raises(Problem) as refused:
                await person.command(channel, line)
            assert (refused.value.status, refused.value.code) == (status, code)
        assert "Did you mean" in (await _detail(ana, general, "/sumarize"))
        assert await world.sql("SELECT 1 FROM run") == []
        assert [one for one in await ana.messages(general) if one.system is None] == []
        answer = await ana.bot("POST", f"/channels/{general}/commands", {"text": "/help ask"})
        assert "/ask <question>" in answer["reply"]["text"]
        assert "run" not in answer
        with pytest.raises(Problem, match="404"):
            await ana.run(general)
        with pytest.raises(Problem, match="404"):
            await ana.stop(general)


async def _detail(person, channel, line):
    with pytest.raises(Problem) as refused:
        await person.command(channel, line)
    return refused.value.document["detail"]


async def test_the_same_key_is_the_same_run(world, scripted):
    async with world.bot(scripted.url):
        ana = await world.person()
        _, general = await ana.workspace()
        first = await ana.command(general, "/ask How is it?", key="k1")
        await ana.ended(first.id)
        assert (await ana.command(general, "/ask How is it?", key="k1")).id == first.id
        assert (await ana.command(general, "/ask How is it?", key="k2")).id != first.id
        assert len(await world.sql("SELECT 1 FROM run")) == 2
        scripted.default.delay_s = 1
        third = await ana.command(general, "/ask Slow?", key="k3")
        with pytest.raises(Problem) as refused:
            await ana.command(general, "/ask Other?", key="k3")
        assert refused.value.code == "idempotency_key_reused"
        await ana.stop(third.id)
        await ana.ended(third.id)


async def test_without_a_model_the_rest_works(world, scripted):
    scripted.down = True
    async with world.bot(scripted.url, model=False) as parts:
        ana = await world.person()
        workspace, general = await ana.workspace()
        for line in ("/ask What?", "/summarize"):
            with pytest.raises(Problem) as refused:
                await ana.command(general, line)
            assert (refused.value.status, refused.value.code) == (503, "model_unavailable")
        assert "/ask" in (await ana.bot("POST", f"/channels/{general}/commands", {"text": "/help"}))["reply"]["text"]
        assert (await ana.bot("GET", f"/workspaces/{workspace}/ai/usage"))["used"] == 0
        with pytest.raises(Problem) as away:
            await ana.bot("GET", "/ai/models")
        assert away.value.code == "model_unavailable"
        scripted.down = False
        await parts.model.look()
        assert (await ana.ended((await ana.command(general, "/ask What?")).id)).state == RunState.DONE
        (model,) = (await ana.bot("GET", "/ai/models"))["items"]
        assert (model["name"], model["local"], model["max_answer_tokens"]) == ("scripted", True, 64)
        assert "wrong" in model["note"]
