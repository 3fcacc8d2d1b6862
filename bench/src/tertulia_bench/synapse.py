"""The peer: Synapse, the reference server of Matrix, with PostgreSQL, its limits off and its log quiet.

It lives in an environment of its own under bench/peers, installed on first use. Settings that cost it nothing and help
it are set: no presence, no federation, larger caches.
"""

import asyncio
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec
import psutil

from tertulia_bench.conversation import WRITERS, Reader, Room
from tertulia_bench.http import Caller, Connection, Refused
from tertulia_stack.ports import free_port
from tertulia_stack.servers import PostgresServer

HOST = "127.0.0.1"
PEERS = Path(__file__).resolve().parents[2] / "peers"
ENVIRONMENT = PEERS / ".venv-synapse"
REQUIREMENTS = PEERS / "synapse" / "requirements.txt"
PASSWORD = "correct horse battery staple"
START_TIMEOUT_S = 90.0
NO_LIMIT = {"per_second": 1_000_000, "burst_count": 1_000_000}


class _Content(msgspec.Struct):
    body: str = ""


class _Event(msgspec.Struct):
    type: str
    content: _Content = msgspec.field(default_factory=_Content)


class _Timeline(msgspec.Struct):
    events: list[_Event] = []
    limited: bool = False


class _Joined(msgspec.Struct):
    timeline: _Timeline


class _Rooms(msgspec.Struct):
    join: dict[str, _Joined] = {}


class _Sync(msgspec.Struct):
    next_batch: str
    rooms: _Rooms = msgspec.field(default_factory=_Rooms)


_decode_sync = msgspec.json.Decoder(_Sync).decode


def install() -> None:
    """Make the environment unless it is there. Raises CalledProcessError."""
    python = ENVIRONMENT / "bin" / "python"
    if python.exists() and subprocess.run([python, "-c", "import synapse, psycopg2"], check=False).returncode == 0:
        return
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "-q", "--clear", ENVIRONMENT], check=True)
    subprocess.run([uv, "pip", "install", "-q", "--python", python, "-r", REQUIREMENTS], check=True)


class SynapseWriter:
    def __init__(self, port: int, room: str, token: str) -> None:
        self._port = port
        self._connection: Connection | None = None
        self._path = f"/_matrix/client/v3/rooms/{quote(room)}/send/m.room.message/".encode()
        self._head = (
            f" HTTP/1.1\r\nHost: {HOST}:{port}\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    async def prepare(self) -> None:
        if self._connection is None or self._connection.closed:
            self._connection = await Connection.open(HOST, self._port)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    async def send(self, text: str) -> None:
        assert self._connection is not None
        body = b'{"msgtype":"m.text","body":"%b"}' % text.encode()
        transaction = secrets.token_hex(16).encode()
        answer = await self._connection.request(
            b"PUT %b%b%b%d\r\n\r\n%b" % (self._path, transaction, self._head, len(body), body)
        )
        if self._connection.status != 200:
            raise Refused(f"{self._connection.status} {answer[:500]!r}")


class SyncReader:
    """Matrix's long poll: asks again as soon as it is answered."""

    def __init__(self, connection: Connection, port: int, room: str, token: str, reader: Reader) -> None:
        self._connection = connection
        self._room = room
        self._reader = reader
        filter_ = quote(
            '{"presence":{"not_types":["*"]},"account_data":{"not_types":["*"]},"room":{"timeline":{"limit":1000}}}'
        )
        self._path = f"GET /_matrix/client/v3/sync?filter={filter_}"
        self._head = f" HTTP/1.1\r\nHost: {HOST}:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
        self._since = ""

    async def begin(self) -> None:
        self._since = (await self._ask("&timeout=0")).next_batch

    async def run(self) -> None:
        while True:
            answer = await self._ask(f"&timeout=30000&since={self._since}")
            self._since = answer.next_batch
            joined = answer.rooms.join.get(self._room)
            if joined is None:
                continue
            if joined.timeline.limited:
                self._reader.fail("the timeline was cut")
            for event in joined.timeline.events:
                if event.type == "m.room.message":
                    self._reader.take(event.content.body)

    async def _ask(self, query: str) -> _Sync:
        answer = await self._connection.request(f"{self._path}{query}{self._head}".encode())
        if self._connection.status != 200:
            raise Refused(f"{self._connection.status} {answer[:500]!r}")
        return _decode_sync(answer)


class Synapse:
    """A running homeserver with its rooms, each with so many readers."""

    def __init__(self, data_dir: Path, readers: int = 1) -> None:
        self._data_dir = data_dir
        self._readers = readers
        self._port = free_port()
        self._postgres = PostgresServer(data_dir / "postgres")
        self._process: subprocess.Popen[bytes] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._open = AsyncExitStack()
        self.rooms: list[Room] = []

    async def start(self) -> None:
        await asyncio.to_thread(self._start_servers)
        caller = await Caller.open(HOST, self._port)
        for number in range(WRITERS):
            self.rooms.append(await self._room(caller, number))
        caller.close()

    async def _room(self, caller: Caller, number: int) -> Room:
        writer = await self._register(caller, f"writer{number}")
        made = await caller.call("POST", "/_matrix/client/v3/createRoom", {"preset": "public_chat"}, writer)
        room = str(made["room_id"])
        readers: list[Reader] = []
        for place in range(self._readers):
            reader = await self._register(caller, f"reader{number}-{place}")
            await caller.call("POST", f"/_matrix/client/v3/join/{quote(room)}", {}, reader)
            readers.append(await self._read(number, room, reader))
        writing = SynapseWriter(self._port, room, writer)
        self._open.callback(writing.close)
        return Room(writing, *readers)

    async def _read(self, number: int, room: str, token: str) -> Reader:
        taking = Reader(number)
        listening = await Connection.open(HOST, self._port)
        self._open.callback(listening.close)
        syncing = SyncReader(listening, self._port, room, token, taking)
        await syncing.begin()
        self._tasks.append(asyncio.get_running_loop().create_task(_report(syncing, taking)))
        return taking

    async def _register(self, caller: Caller, name: str) -> str:
        body = {"username": name, "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        return str((await caller.call("POST", "/_matrix/client/v3/register", body))["access_token"])

    def _start_servers(self) -> None:
        self._postgres.start()
        self._postgres.execute("CREATE DATABASE synapse")
        config = self._data_dir / "homeserver.yaml"
        config.write_bytes(msgspec.json.encode(self._config()))  # JSON is YAML
        (self._data_dir / "log.yaml").write_bytes(msgspec.json.encode(_LOGGING))
        command = [ENVIRONMENT / "bin" / "python", "-m", "synapse.app.homeserver", "-c", config]
        quiet = {"cwd": self._data_dir, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([*command, "--generate-keys"], check=True, **quiet)  # pyright: ignore[reportCallIssue, reportArgumentType]
        self._process = subprocess.Popen(command, **quiet)  # pyright: ignore[reportCallIssue, reportArgumentType]
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Synapse did not start; see {self._data_dir / 'synapse.log'}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._port}/health", timeout=1) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def _config(self) -> dict[str, object]:
        postgres = connection_arguments(self._postgres.url("synapse"))
        return {
            "server_name": "bench.localhost",
            "report_stats": False,
            "pid_file": str(self._data_dir / "synapse.pid"),
            "listeners": [
                {"port": self._port, "bind_addresses": [HOST], "type": "http", "resources": [{"names": ["client"]}]}
            ],
            "database": {
                "name": "psycopg2",
                "allow_unsafe_locale": True,
                "args": {**postgres, "cp_min": 5, "cp_max": 20},
            },
            "log_config": str(self._data_dir / "log.yaml"),
            "media_store_path": str(self._data_dir / "media"),
            "signing_key_path": str(self._data_dir / "signing.key"),
            "registration_shared_secret": secrets.token_hex(16),
            "macaroon_secret_key": secrets.token_hex(16),
            "form_secret": secrets.token_hex(16),
            "trusted_key_servers": [],
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "bcrypt_rounds": 4,
            "presence": {"enabled": False},
            "caches": {"global_factor": 4.0},
            "federation_domain_whitelist": [],
            "rc_message": NO_LIMIT,
            "rc_registration": NO_LIMIT,
            "rc_login": {"address": NO_LIMIT, "account": NO_LIMIT, "failed_attempts": NO_LIMIT},
            "rc_joins": {"local": NO_LIMIT, "remote": NO_LIMIT},
            "rc_joins_per_room": NO_LIMIT,
            "rc_invites": {"per_room": NO_LIMIT, "per_user": NO_LIMIT, "per_issuer": NO_LIMIT},
            "rc_room_creation": NO_LIMIT,
        }

    def processes(self) -> dict[str, list[psutil.Process]]:
        found: dict[str, list[psutil.Process]] = {}
        if self._process is not None:
            found["synapse"] = [psutil.Process(self._process.pid)]
        if self._postgres.pid is not None:
            top = psutil.Process(self._postgres.pid)
            found["postgres"] = [top, *top.children(recursive=True)]
        return found

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._open.aclose()
        await asyncio.to_thread(self._stop_servers)

    def _stop_servers(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(15)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._postgres.stop()


async def _report(syncing: SyncReader, reader: Reader) -> None:
    try:
        await syncing.run()
    except (ConnectionError, Refused, msgspec.DecodeError) as error:
        reader.fail(repr(error))


_LOGGING: dict[str, object] = {
    "version": 1,
    "handlers": {"file": {"class": "logging.FileHandler", "filename": "synapse.log"}},
    "root": {"level": "WARNING", "handlers": ["file"]},
    "disable_existing_loggers": False,
}


def connection_arguments(url: str) -> dict[str, object]:
    """psycopg2's words for a PostgreSQL URL."""
    parts = urlsplit(url)
    return {
        "user": parts.username,
        "password": parts.password,
        "host": parts.hostname,
        "port": parts.port,
        "dbname": parts.path.lstrip("/"),
    }
