"""Which parts are started, and what is said about models."""

from pathlib import Path

from tertulia_stack.background import BackgroundStack
from tertulia_stack.embedded import Options, stack_specs
from tertulia_stack.home import Home
from tertulia_stack.parts import PARTS, chosen
from tertulia_stack.ports import NAMES


def specs(tmp_path: Path, without=(), environment=None):
    home = Home(tmp_path / "a stack")
    home.create()
    options = Options(host="127.0.0.1", port=8080, web_dir=None, parts=chosen(without, environment or {}))
    return {spec.name: spec for spec in stack_specs(home, options, {name: 20_000 + i for i, name in enumerate(NAMES)})}


def test_everything_is_started_by_default(tmp_path):
    assert set(PARTS) <= set(specs(tmp_path))


def test_a_part_that_is_left_out_is_unknown_to_the_others(tmp_path):
    found = specs(tmp_path, without=["search"])

    assert "search" not in found
    assert "migrate-search" not in found
    assert "SEARCH_SERVICE_URL" not in found["gateway"].env
    assert "SEARCH_SERVICE_URL" not in found["bot"].env
    assert "ANALYTICS_SERVICE_URL" in found["gateway"].env


def test_without_the_bot_there_is_no_model(tmp_path):
    assert not {"bot", "model"} & set(specs(tmp_path, without=["bot"]))


def test_another_provider_replaces_the_local_model(tmp_path):
    found = specs(tmp_path, environment={"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"})

    assert "model" not in found
    assert "OPENAI_BASE_URL" not in found["bot"].env, "the environment's own must not be hidden"


def test_only_what_people_can_do_without_may_fail(tmp_path):
    optional = {name for name, spec in specs(tmp_path).items() if spec.optional}

    assert optional == {*PARTS, "migrate-search", "migrate-bot", "migrate-analytics"}


def test_the_way_to_a_bigger_model_is_explained(tmp_path):
    said = BackgroundStack(tmp_path / "data").run("up", "--fetch-model")

    assert said.returncode == 0
    assert "--model" in said.stdout
    assert "OPENAI_BASE_URL" in said.stdout


def test_a_model_that_is_not_there_is_said_before_anything_starts(tmp_path):
    said = BackgroundStack(tmp_path / "data").run("up", "--model", "/nowhere/weights.gguf")

    assert said.returncode == 1
    assert "no model at /nowhere/weights.gguf" in said.stdout
