"""The promises of `up`, `down` and `status`, on real processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil

from tertulia_stack.background import BackgroundStack, eventually, living

TINY_STACK = Path(__file__).with_name("tiny_stack.py")


def started(stack: BackgroundStack, *words: str) -> subprocess.Popen[bytes]:
    """The supervisor of a stack that is ready."""
    stack.start(*words)
    assert stack.process is not None
    return stack.process


def test_up_tells_the_url_and_sigterm_leaves_no_process_within_five_seconds(stack: BackgroundStack) -> None:
    process = started(stack)
    pids = stack.pids()
    assert f"Tertulia is ready at http://127.0.0.1:{stack.port}" in stack.said()
    assert len(pids) >= 4

    began = time.monotonic()
    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 0
    assert time.monotonic() - began < 5
    assert living(pids) == set()
    assert stack.status()["state"] == "stopped"


def test_a_service_that_ignores_sigterm_does_not_hold_up_the_stop(stack: BackgroundStack) -> None:
    process = started(stack, "stubborn")
    pids = stack.pids()

    began = time.monotonic()
    process.send_signal(signal.SIGINT)

    assert process.wait(10) == 0
    assert time.monotonic() - began < 5
    assert living(pids) == set()


def test_kill_9_of_the_supervisor_leaves_nobody_and_the_next_up_works(stack: BackgroundStack) -> None:
    process = started(stack, "stubborn")
    pids = stack.pids()

    process.kill()
    process.wait()

    eventually(lambda: not living(pids), 10)
    assert stack.status()["state"] == "stopped"
    stack.start()


def test_a_process_that_crashed_is_started_again_and_up_says_so(stack: BackgroundStack) -> None:
    stack.start()
    before = stack.service("front")

    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"{stack.url}/crash", timeout=5)

    eventually(lambda: stack.service("front")["ready"] and stack.service("front")["pid"] != before["pid"])
    assert stack.service("front")["restarts"] == 1
    assert "front ended with code 7; starting again" in stack.said()


def test_killed_servers_come_back_on_their_ports(stack: BackgroundStack) -> None:
    stack.start()
    before = {name: stack.service(name) for name in ("postgres", "nats")}

    for service in before.values():
        os.kill(service["pid"], signal.SIGKILL)

    for name, former in before.items():
        eventually(lambda name=name, former=former: _came_back(stack, name, former["pid"]))
        assert stack.service(name)["port"] == former["port"]


def _came_back(stack: BackgroundStack, name: str, former_pid: int) -> bool:
    service = stack.service(name)
    return service["ready"] and service["pid"] not in {None, former_pid}


def test_a_second_up_says_where_the_first_one_is(stack: BackgroundStack) -> None:
    stack.start()
    second = BackgroundStack(stack.data_dir, stack.port)
    second.output = stack.output.with_name("second.txt")

    assert second.launch().wait(20) == 1
    assert f"already runs at http://127.0.0.1:{stack.port}" in second.said()
    assert stack.status()["state"] == "ready"


def test_a_taken_port_is_named_together_with_the_way_out(stack: BackgroundStack) -> None:
    stack.start()
    other = BackgroundStack(stack.data_dir.with_name("other"), stack.port)

    assert other.launch().wait(20) == 1
    assert f"Port {stack.port} is taken by python" in other.said()
    assert "--port" in other.said()


def test_a_later_up_finds_ports_keys_and_data(stack: BackgroundStack) -> None:
    process = started(stack)
    ports = {service["name"]: service["port"] for service in stack.status()["services"]}
    born = (stack.data_dir / "postgres" / "cluster" / "PG_VERSION").stat().st_ctime
    process.terminate()
    process.wait()

    stack.start()

    assert {service["name"]: service["port"] for service in stack.status()["services"]} == ports
    assert (stack.data_dir / "postgres" / "cluster" / "PG_VERSION").stat().st_ctime == born


def test_a_task_that_fails_ends_the_start_with_its_last_words(stack: BackgroundStack) -> None:
    process = stack.launch("broken")

    assert process.wait(30) == 1
    assert "migrate did not start: ended with code 1" in stack.said()
    assert "no such table" in stack.said()
    assert stack.status()["state"] == "stopped"


def test_down_stops_the_stack_of_another_terminal(stack: BackgroundStack) -> None:
    process = started(stack)
    pids = stack.pids()

    done = stack.run("down")

    assert done.returncode == 0
    assert process.wait(5) == 0
    assert living(pids) == set()
    assert "Nothing runs" in stack.run("down").stdout


def test_status_is_complete_for_machines(stack: BackgroundStack) -> None:
    stack.start()

    status = json.loads(stack.run("status", "--json").stdout)

    assert status == {**stack.status(), "services": status["services"]}
    assert status["state"] == "ready"
    assert status["url"] == f"http://127.0.0.1:{stack.port}"
    assert status["data_dir"] == str(stack.data_dir)
    assert [service["name"] for service in status["services"]] == ["postgres", "nats", "middle", "front"]
    for service in status["services"]:
        assert service["ready"]
        assert service["restarts"] == 0
        assert service["uptime_s"] >= 0
        assert psutil.Process(service["pid"]).is_running()


def test_status_of_nothing_is_exit_code_3(stack: BackgroundStack) -> None:
    assert stack.run("status").returncode == 3
    assert stack.status() == {"state": "stopped", "url": None, "data_dir": str(stack.data_dir), "services": []}


def test_everything_listens_on_the_loopback_only(stack: BackgroundStack) -> None:
    stack.start()

    addresses = {
        connection.laddr.ip
        for pid in stack.pids()
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert addresses == {"127.0.0.1"}


IN_A_TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def test_in_a_terminal_a_table_grows_and_ctrl_c_stops_everything(stack: BackgroundStack) -> None:
    command = [sys.executable, "-c", IN_A_TERMINAL, sys.executable, TINY_STACK, stack.data_dir, str(stack.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as terminal:
        shown = _read_until(terminal, "Tertulia is ready")
        pids = {below.pid for below in psutil.Process(terminal.pid).children(recursive=True)}
        _type(terminal, b"\x03")
        shown += _read_until(terminal, "Your data stays")
        assert terminal.wait(10) == 0

    assert living(pids) == set()
    assert "starting" in shown
    assert "\x1b[?25h" in shown  # the cursor is back


def _type(terminal: subprocess.Popen[bytes], keys: bytes) -> None:
    assert terminal.stdin is not None
    terminal.stdin.write(keys)
    terminal.stdin.flush()


def _read_until(terminal: subprocess.Popen[bytes], words: str) -> str:
    assert terminal.stdout is not None
    shown = ""
    while words not in shown:
        piece = os.read(terminal.stdout.fileno(), 65_536)
        assert piece, f"ended without saying {words!r}: {shown}"
        shown += piece.decode(errors="replace")
    return shown


def test_a_reader_that_goes_away_does_not_take_the_stack_down(stack: BackgroundStack) -> None:
    command = [sys.executable, TINY_STACK, stack.data_dir, str(stack.port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        supervisor.stdout.readline()
        supervisor.stdout.close()

        eventually(lambda: stack.status()["state"] == "ready")
        supervisor.terminate()
        assert supervisor.wait(10) == 0


def test_the_stack_is_ready_without_an_optional_service_that_does_not_come_up(stack: BackgroundStack) -> None:
    started(stack, "hopeless")

    assert "hopeless ended with code 7" in stack.said()
    assert stack.service("front")["ready"]
    assert not stack.service("hopeless")["ready"]
    assert stack.status()["state"] == "degraded"
