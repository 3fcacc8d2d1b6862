"""What the processes say: kept in bounded files, readable for people."""

import io
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from tertulia_stack import logview
from tertulia_stack.background import eventually
from tertulia_stack.home import Home
from tertulia_stack.supervisor.logs import KEPT, LogFile


def made_home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "data")
    home.create()
    return home


def shown(home: Home, *services: str, lines: int = 40) -> list[str]:
    console = Console(file=io.StringIO(), width=200)
    logview.show(home, services, lines=lines, follow=False, raw=False, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_log_turns_over_between_lines_and_keeps_a_bounded_number_of_files(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "chat.log", max_bytes=100)
    for number in range(100):
        log.write(f"line {number:04}".encode())
        log.write(b" and its end\n")
    log.close()

    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["chat.log", *(f"chat.log.{number}" for number in range(1, KEPT + 1))]
    for path in tmp_path.iterdir():
        assert all(line.endswith("and its end") for line in path.read_text().splitlines())
        assert path.stat().st_size <= 130


def test_json_lines_become_time_level_text_and_the_rest() -> None:
    line = logview.understand(
        "chat-api",
        '{"event":"listening","level":"warning","timestamp":"2026-11-21T04:00:00.5Z","port":8,"trace_id":"x"}',
    )

    assert line.at == datetime(2026, 11, 21, 4, 0, 0, 500_000, tzinfo=UTC)
    assert (line.level, line.text, dict(line.extra)) == ("warning", "listening", {"port": 8})


def test_postgres_and_nats_are_understood_too() -> None:
    postgres = logview.understand("postgres", "2026-11-21 04:36:28.457 UTC [10168] FATAL:  no room")
    nats = logview.understand("nats", "[7] 2026/11/21 04:36:28.461000 [WRN] slow consumer")

    assert (postgres.level, postgres.text) == ("error", "no room")
    assert postgres.at == datetime(2026, 11, 21, 4, 36, 28, 457_000, tzinfo=UTC)
    assert (nats.level, nats.text) == ("warning", "slow consumer")


def test_what_is_not_understood_is_shown_as_it_is() -> None:
    for raw in ("Traceback (most recent call last):", "{not json", "{}", '{"event": null, "timestamp": "yesterday"}'):
        line = logview.understand("notify", raw)
        assert (line.text, line.at) == (raw, None)


def test_lines_of_all_services_come_in_the_order_of_time(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    home.log_of("a").write_text(
        '{"event":"first","timestamp":"2026-11-21T04:00:01Z"}\nwithout a time\n'
        '{"event":"fourth","timestamp":"2026-11-21T04:00:04Z","exception":"Traceback …\\n  boom"}\n'
    )
    home.log_of("b").write_text('{"event":"third","timestamp":"2026-11-21T04:00:03Z"}\n')

    lines = shown(home, "a", "b")

    assert [line.split()[-1] for line in lines] == ["first", "time", "third", "fourth", "…", "boom"]
    assert len(shown(home, "a", lines=1)) == 3
    assert shown(home, "never-ran") == []


def test_follow_goes_on_over_a_turned_page(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    log = LogFile(home.log_of("chat"), max_bytes=30)
    log.write(b"before\n")
    output = tmp_path / "output.txt"
    command = [sys.executable, "-m", "tertulia_stack", "logs", "chat", "-f", "--json", "--data-dir", home.data_dir]
    with output.open("wb") as file, subprocess.Popen(command, stdout=file) as follower:
        eventually(lambda: "before" in output.read_text())
        for number in range(6):
            log.write(f"line number {number} of six\n".encode())
            time.sleep(0.25)
        log.close()
        eventually(lambda: "line number 5" in output.read_text())
        follower.terminate()

    assert [line for line in output.read_text().splitlines() if "number" in line] == [
        f"line number {number} of six" for number in range(6)
    ]


def test_a_reader_that_has_seen_enough_ends_the_command_quietly(tmp_path: Path) -> None:
    home = made_home(tmp_path)
    home.log_of("chat").write_text("a line\n" * 50_000)
    read, write = os.pipe()
    command = [sys.executable, "-m", "tertulia_stack", "logs", "-n", "50000", "--data-dir", home.data_dir]
    with subprocess.Popen(command, stdout=write, stderr=subprocess.PIPE) as printing:
        os.close(write)
        os.read(read, 10)
        os.close(read)
        _, errors = printing.communicate(timeout=60)

    assert errors == b""
    assert printing.returncode == 0
