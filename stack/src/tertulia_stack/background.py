"""A stack in the background, started and watched by a program: journeys, benchmarks, fault injection.

It is `tertulia up` in a process of its own, with everything that it prints kept in a file.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import psutil

from tertulia_stack.home import Home
from tertulia_stack.ports import free_port
from tertulia_stack.status import stack_status

START_TIMEOUT_S = 180.0
POLL_S = 0.05


class StackFailed(RuntimeError):
    """The stack ended while starting, or did not become ready in time; carries what it printed."""


class BackgroundStack:
    """One data directory and the stack on it. `env` is added to the environment of every process."""

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        env: Mapping[str, str] | None = None,
        command: Sequence[str | Path] | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.port = port or free_port()
        self.output = self.data_dir.with_name(f"{self.data_dir.name}.output.txt")
        self.process: subprocess.Popen[bytes] | None = None
        self._env = {**os.environ, **(env or {})}
        self._command = command or [*_tertulia("up"), "--data-dir", self.data_dir, "--port", str(self.port)]

    @property
    def url(self) -> str:
        """The front door."""
        return f"http://127.0.0.1:{self.port}"

    def launch(self, *more: str) -> subprocess.Popen[bytes]:
        """Start without waiting. The output file begins anew."""
        self.output.parent.mkdir(parents=True, exist_ok=True)
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*self._command, *more], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._env
            )
        return self.process

    def start(self, *more: str) -> None:
        """Start and wait until all services are ready. Raises StackFailed."""
        process = self.launch(*more)
        deadline = time.monotonic() + START_TIMEOUT_S
        while "Tertulia is ready" not in self.said():
            if process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise StackFailed(self.said())
            time.sleep(POLL_S)

    def stop(self) -> None:
        """End it in good order."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)

    def said(self) -> str:
        """Everything the supervisor printed since the start."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another `tertulia` command on this data."""
        command = [*_tertulia(*arguments), "--data-dir", str(self.data_dir)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, env=self._env, check=False)

    def status(self) -> dict[str, Any]:
        """As `tertulia status --json` has it, without the price of a process."""
        with ThreadPoolExecutor(1) as aside:  # the caller may have an event loop of its own
            found = aside.submit(asyncio.run, stack_status(Home(self.data_dir))).result()
        return msgspec.to_builtins(found)

    def service(self, name: str) -> dict[str, Any]:
        """One service out of the status. Raises KeyError."""
        for service in self.status()["services"]:
            if service["name"] == name:
                return service
        raise KeyError(name)

    def kill(self, name: str) -> int:
        """`kill -9` one service; the process id it had."""
        pid = self.service(name)["pid"]
        if pid is None:
            raise StackFailed(f"{name} does not run")
        os.kill(pid, signal.SIGKILL)
        return pid

    def pids(self) -> set[int]:
        """Every process below the supervisor, at any depth."""
        if self.process is None or self.process.poll() is not None:
            return set()
        return {below.pid for below in psutil.Process(self.process.pid).children(recursive=True)}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def living(pids: set[int]) -> set[int]:
    """Those that still run (one that only waits to be reaped does not)."""
    found: set[int] = set()
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.add(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def eventually(check: Callable[[], bool], timeout_s: float = 30.0) -> None:
    """Wait until `check` holds. Raises TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError(f"did not happen within {timeout_s:.0f} s")
        time.sleep(POLL_S)


def _tertulia(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "tertulia_stack", *arguments]
