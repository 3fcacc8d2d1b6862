"""One server process: its command, its start, its end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tertulia_stack.servers.account import Account

LAUNCHER = Path(__file__).with_name("launcher.py")
START_TIMEOUT_S = 30.0
POLL_S = 0.03


class ServerFailed(RuntimeError):
    """A server did not start or did not become ready; the message ends with the last lines of its log."""


def bound_to_this_process(
    command: Sequence[str | Path],
    *,
    death_signal: signal.Signals = signal.SIGKILL,
    account: Account | None = None,
    search: bool = False,
) -> list[str]:
    """The command line that runs `command` and ends it with `death_signal` when the calling process dies."""
    line = [sys.executable, "-I", "-S", str(LAUNCHER), "--parent", str(os.getpid())]
    line += ["--death-signal", str(int(death_signal))]
    if account is not None:
        line += ["--account", f"{account.uid}:{account.gid}"]
        if search:
            line.append("--search")
    return [*line, "--", *map(str, command)]


class ServerProcess:
    """What PostgreSQL and NATS have in common. Subclasses say how to prepare, what to run and what ready means."""

    name = "server"
    stop_signals: Sequence[tuple[signal.Signals, float]] = ((signal.SIGTERM, 4.0),)
    """Signals to try in turn, each with the seconds to wait for it; SIGKILL always comes last."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    # -- what a subclass says --------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the data directory ready to be started on; harmless to call again."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The whole command line, launcher included."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the server takes work right now. Bounded to about a second."""
        raise NotImplementedError

    # -- life ------------------------------------------------------------------------------------------------

    @property
    def log_path(self) -> Path:
        """Where `start()` sends what the server says."""
        return self.data_dir / "server.log"

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start and wait until it takes work. Raises ServerFailed."""
        if self.pid is not None:
            return
        self.prepare()
        deadline = time.monotonic() + START_TIMEOUT_S
        self._spawn()
        while not (self.answers() and self.pid is not None):
            if self.pid is None:
                # After a kill the helpers of the former server may need a moment to notice and to let go.
                if not self._says_try_again() or time.monotonic() > deadline:
                    raise ServerFailed(f"{self.name} ended while starting\n{self._last_lines()}")
                time.sleep(0.2)
                self.prepare()
                self._spawn()
            if time.monotonic() > deadline:
                self.kill()
                raise ServerFailed(f"{self.name} not ready after {START_TIMEOUT_S:.0f} s\n{self._last_lines()}")
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End it in good order, within seconds; no process stays."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        processes = family(process.pid)
        for stop_signal, patience_s in self.stop_signals:
            process.send_signal(stop_signal)
            try:
                process.wait(patience_s)
            except subprocess.TimeoutExpired:
                continue
            break
        end(processes)
        process.wait()

    def kill(self) -> None:
        """End it and its helpers at once with SIGKILL, as a crash would."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        processes = family(process.pid)
        process.kill()
        process.wait()
        end(processes)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _spawn(self) -> None:
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.data_dir,
                start_new_session=True,
            )

    def _says_try_again(self) -> bool:
        return False

    def _last_lines(self, count: int = 12) -> str:
        if not self.log_path.exists():
            return "(no log)"
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-count:])


def family(pid: int) -> list[psutil.Process]:
    """The process and everything below it, as of now."""
    try:
        leader = psutil.Process(pid)
        return [leader, *leader.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def end(processes: list[psutil.Process]) -> None:
    """Make sure that these are gone. PostgreSQL's helpers have sessions of their own: a group does not reach them."""
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    deadline = time.monotonic() + 3
    while any(lives(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.005)


def lives(process: psutil.Process) -> bool:
    """Whether it still runs. One that only waits to be reaped by its parent holds nothing any more."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
