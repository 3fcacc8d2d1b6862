"""Ports, places, doctor and reset."""

import json
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tertulia_stack import ports
from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home, default_data_dir


@pytest.fixture
def idle(tmp_path: Path) -> BackgroundStack:
    """A stack that was never started, for the commands that need none."""
    return BackgroundStack(tmp_path / "idle data", env={"TERTULIA_PORT": str(ports.free_port())})


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken


def test_ports_are_chosen_once_and_remembered(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"

    chosen = ports.block(file)

    assert sorted(chosen) == sorted(ports.NAMES)
    assert ports.block(file) == chosen == ports.remembered(file)


def test_a_port_that_somebody_took_meanwhile_makes_a_new_block(tmp_path: Path, listener: socket.socket) -> None:
    file = tmp_path / "ports.json"
    former = ports.block(file)
    file.write_text(json.dumps({**former, "nats": listener.getsockname()[1]}))

    assert listener.getsockname()[1] not in ports.block(file).values()


def test_a_block_that_was_asked_for_is_taken_or_refused(tmp_path: Path, listener: socket.socket) -> None:
    base = ports.block(tmp_path / "free.json")["postgres"]

    assert ports.block(tmp_path / "ports.json", base)["postgres"] == base
    with pytest.raises(ports.NoFreePorts, match=str(listener.getsockname()[1])):
        ports.block(tmp_path / "ports.json", listener.getsockname()[1])


def test_a_damaged_port_file_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")

    assert ports.block(tmp_path / "ports.json")


def test_data_lies_in_the_checkout_one_stands_in_else_at_home(tmp_path: Path) -> None:
    repository = Path(__file__).parents[2]

    assert default_data_dir(repository / "docs", tmp_path) == repository / ".tertulia"
    assert default_data_dir(tmp_path, tmp_path) == tmp_path / ".local" / "share" / "tertulia"


def test_the_secret_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    home = Home(tmp_path)

    key = home.secret_key()

    assert home.secret_key() == key
    assert len(key) == 44
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_doctor_finds_a_fit_machine_fit(idle: BackgroundStack) -> None:
    done = idle.run("doctor")

    assert done.returncode == 0, done.stdout
    assert "This machine is fit" in done.stdout
    for name in ("Python", "PostgreSQL", "NATS", "Port", "Disk", "Open files", "Node"):
        assert f"✓ {name}" in done.stdout


def test_doctor_names_a_taken_port_and_what_to_do(idle: BackgroundStack, listener: socket.socket) -> None:
    done = idle.run("doctor", "--json", "--port", str(listener.getsockname()[1]))

    bad = [finding for finding in json.loads(done.stdout) if finding["ok"] is False]
    assert done.returncode == 1
    assert [finding["name"] for finding in bad] == ["Port"]
    assert "TERTULIA_PORT" in bad[0]["todo"]


def test_a_data_directory_that_cannot_be_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    stack = BackgroundStack(tmp_path / "file" / "data")
    stack.output = tmp_path / "output.txt"

    assert stack.run("doctor").returncode == 1
    assert stack.launch().wait(20) == 1
    assert "No data can be kept in" in stack.said()
    assert "Traceback" not in stack.said()


def test_reset_refuses_while_the_stack_runs_and_wipes_after(stack: BackgroundStack) -> None:
    stack.start()
    assert stack.run("reset", "--yes").returncode == 1
    stack.stop()

    assert stack.run("reset").returncode == 1  # nobody answers the question
    assert stack.data_dir.exists()
    assert stack.run("reset", "--yes").returncode == 0
    assert not stack.data_dir.exists()


def test_reset_leaves_a_folder_alone_that_is_not_its_own(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("meow")

    assert BackgroundStack(tmp_path / "photos").run("reset", "--yes").returncode == 1
    assert (tmp_path / "photos" / "cat.jpg").exists()


@pytest.mark.parametrize("arguments", [["logs", "nonsense"], ["up", "--port", "many"], ["fly"]])
def test_a_wrong_argument_ends_without_a_traceback(idle: BackgroundStack, arguments: list[str]) -> None:
    done = idle.run(*arguments)

    assert done.returncode != 0
    assert "Traceback" not in done.stdout + done.stderr
