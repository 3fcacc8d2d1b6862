"""The Dockerfile and what goes into an image."""

import json
import re
import subprocess
import sys
from pathlib import Path

import check_lock
import pytest
import requirements_of
import try_image

from .processes import IMAGE_ENV, REPOSITORY

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
PACKAGES = ("chat", "notify", "gateway", "search", "bot", "bot[local]", "analytics", "analytics[embedded]")
NOT_OURS = {
    "gateway": {"openai", "chdb", "tantivy", "sqlalchemy"},
    "chat": {"openai", "chdb"},
    "bot": {"xllamacpp"},
    "analytics": {"chdb"},
}


def restricted(package: str) -> set[str]:
    """Names that tools/requirements_of.py finds for this package."""
    command = [sys.executable, REPOSITORY / "tools" / "requirements_of.py", f"tertulia-{package}"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pins, complaints = check_lock.read_lock(text)
    assert not complaints
    return set(pins)


def test_the_linter_is_content():
    program = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([program, REPOSITORY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("package", PACKAGES)
def test_an_image_gets_all_that_its_package_needs_and_no_more(package: str):
    """The installed packages' own metadata is the other witness: the tool reads only the lock's comments."""
    pins, _ = check_lock.read_lock((REPOSITORY / "requirements.lock").read_text())
    members = requirements_of.members()
    wanted = [check_lock.Requirement(name) for name in requirements_of.direct(f"tertulia-{package}", members)]
    needed, missing = check_lock.walk(wanted, set(members), pins)
    assert not missing
    found = restricted(package)
    assert needed <= found
    assert not found & NOT_OURS.get(package, set())


def test_a_package_that_is_not_locked_is_refused():
    with pytest.raises(SystemExit, match="nobody-has-this"):
        requirements_of.Lock("aiohttp==3\n").closure({"nobody-has-this"})


def test_every_service_has_an_image_and_only_the_gateway_has_the_page():
    stages = try_image.parse(DOCKERFILE)
    services = {path.parent.name for path in (REPOSITORY / "services").glob("*/pyproject.toml")}
    assert {name.removeprefix("image-") for name in stages if name.startswith("image-")} == services
    with_page = {name for name, stage in stages.items() if any("--from=web" in rest for _, rest in stage.instructions)}
    assert with_page == {"image-gateway"}


def test_the_image_runs_as_nobody_special_and_checks_itself_without_a_shell():
    runtime = dict(try_image.parse(DOCKERFILE)["runtime"].instructions)
    assert runtime["USER"] == "10001:10001"
    assert json.loads(runtime["ENTRYPOINT"]) == ["python", "-m"]
    assert json.loads(runtime["HEALTHCHECK"].partition("CMD ")[2])[0] == "python"
    assert all(f"{name}={value}" in runtime["ENV"] for name, value in IMAGE_ENV.items())


def test_base_images_are_pinned():
    bases = [stage.base for stage in try_image.parse(DOCKERFILE).values() if ":" in stage.base]
    assert bases
    assert all(re.search(r":\d+\.\d+\.\d+-", base) for base in bases)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("services/chat/src/tertulia_chat/app.py", True),
        ("services/chat/migrations/env.py", True),
        ("services/chat/tests/conftest.py", False),
        ("libs/shared/tests/golden/a.json", False),
        ("web/src/main.ts", True),
        ("web/node_modules/vue/index.js", False),
        ("tools/requirements_of.py", True),
        ("tools/check_lock.py", False),
        ("requirements.lock", True),
        (".env", False),
        (".git/config", False),
    ],
)
def test_the_builder_is_sent_only_what_it_needs(name: str, sent: bool):
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert try_image.allowed(name, [line for line in lines if line and not line.startswith("#")]) is sent
