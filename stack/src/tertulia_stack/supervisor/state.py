"""What other terminals can see of a running stack: the lock says that it runs, the state file says how."""

import fcntl
import time
from collections.abc import Generator
from contextlib import contextmanager

import msgspec
import psutil

from tertulia_stack.home import Home, write_private
from tertulia_stack.servers.process import end, lives

LOCK_ATTEMPTS = 5
LEAVING_S = 5.0
"""What a dead supervisor left behind gets this long to leave by itself."""


class ProcessId(msgspec.Struct):
    """A process number with its birth, because numbers come back."""

    pid: int
    born: float

    @classmethod
    def of(cls, pid: int) -> "ProcessId | None":
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def find(self) -> psutil.Process | None:
        """The process, when it still is the same one."""
        try:
            process = psutil.Process(self.pid)
            return process if abs(process.create_time() - self.born) < 0.1 and lives(process) else None
        except psutil.NoSuchProcess:
            return None


class ServiceState(msgspec.Struct):
    """One service as the supervisor knows it."""

    name: str
    state: str
    process: ProcessId | None
    port: int | None
    ready_url: str | None
    restarts: int
    started_at: float | None


class StackState(msgspec.Struct):
    """The whole stack as the supervisor knows it. `phase`: starting, ready, stopping."""

    phase: str
    url: str
    host: str
    supervisor: ProcessId
    started_at: float
    services: list[ServiceState]


def write(home: Home, state: StackState) -> None:
    write_private(home.state_file, msgspec.json.encode(state).decode())


def read(home: Home) -> StackState | None:
    """What was written last, even when that stack is gone."""
    try:
        return msgspec.json.decode(home.state_file.read_bytes(), type=StackState)
    except (OSError, msgspec.DecodeError):
        return None


def running(home: Home) -> StackState | None:
    """The stack that runs on this data now, if one does."""
    return read(home) if is_locked(home) else None


class AlreadyRunning(RuntimeError):
    """Another supervisor holds this data directory."""


@contextmanager
def lock(home: Home) -> Generator[None]:
    """Hold the data directory. Raises AlreadyRunning."""
    with home.lock_file.open("ab") as file:
        # A `status` that looks at the very same moment holds it for an instant.
        for _ in range(LOCK_ATTEMPTS):
            if _try_lock(file.fileno(), fcntl.LOCK_EX):
                break
            time.sleep(0.05)
        else:
            raise AlreadyRunning
        yield


def is_locked(home: Home) -> bool:
    """Whether some supervisor holds the data directory."""
    if not home.lock_file.exists():
        return False
    with home.lock_file.open("ab") as file:
        return not _try_lock(file.fileno(), fcntl.LOCK_SH)


def clear_left_behind(home: Home) -> list[str]:
    """End what a supervisor that was killed could not end itself. Call with the lock held. Names of the ended."""
    former = read(home)
    home.state_file.unlink(missing_ok=True)
    if former is None:
        return []
    left = {service.name: process for service in former.services if (process := _find(service)) is not None}
    # A server that noticed is on its way out, in good order.
    deadline = time.monotonic() + LEAVING_S
    while time.monotonic() < deadline and any(lives(process) for process in left.values()):
        time.sleep(0.05)
    stubborn = {name: process for name, process in left.items() if lives(process)}
    end(list(stubborn.values()))
    return sorted(stubborn)


def _find(service: ServiceState) -> psutil.Process | None:
    return service.process.find() if service.process is not None else None


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_until_unlocked(home: Home, timeout_s: float) -> bool:
    """Whether the supervisor let go within the time."""
    deadline = time.monotonic() + timeout_s
    while is_locked(home):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
