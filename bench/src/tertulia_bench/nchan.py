"""The peer: nchan, a module of nginx that sends events to many streams, with one worker on one core.

From Debian's packages `nginx` and `libnginx-mod-nchan`. Settings that cost it nothing and help it are set: no logs, a
short buffer in memory, no authorization. It checks nothing of what notify checks.
"""

import asyncio
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tertulia_bench.http import Refused
from tertulia_stack.ports import LOOPBACK, free_port

PACKAGES = ("nginx", "libnginx-mod-nchan")
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")
START_S = 10.0

CONFIGURATION = """
load_module {module};
daemon off;
user {user};
worker_processes 1;
worker_cpu_affinity {affinity};
worker_rlimit_nofile {files};
pid {directory}/nginx.pid;
error_log {directory}/error.log warn;
events {{ worker_connections {connections}; use epoll; }}
http {{
  access_log off;
  keepalive_requests 10000000;
  keepalive_timeout 600s;
  tcp_nodelay on;
  nchan_shared_memory_size 128M;
  client_body_temp_path {directory}/body;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /subscribe {{
      nchan_subscriber eventsource;
      nchan_channel_id bench;
      nchan_subscriber_first_message newest;
    }}
    location = /publish {{
      nchan_publisher http;
      nchan_channel_id bench;
      nchan_message_buffer_length 100;
      nchan_message_timeout 60s;
    }}
  }}
}}
"""


def install() -> None:
    """From Debian's packages, unless it is there. Raises CalledProcessError or FileNotFoundError."""
    if shutil.which("nginx") is None or not MODULE.exists():
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES], check=True)


class Nchan:
    """A running nginx; `async with` starts and ends it."""

    def __init__(self, directory: Path, connections: int, core: int) -> None:
        self.port = free_port()
        self._directory = directory
        self._connections = connections
        self._core = core

    async def __aenter__(self) -> Self:
        self._directory.mkdir()
        target = self._directory / "nginx.conf"
        user = psutil.Process().username()
        room = self._connections + 256
        target.write_text(
            CONFIGURATION.format(
                module=MODULE,
                user=user,
                affinity=f"{1 << self._core:b}".zfill(os.cpu_count() or 1),
                files=room,
                connections=room,
                directory=self._directory,
                port=self.port,
            )
        )
        self._process = subprocess.Popen(["nginx", "-p", str(self._directory), "-c", str(target)])
        async with asyncio.timeout(START_S):
            while True:
                try:
                    self._reader, self._writer = await asyncio.open_connection(LOOPBACK, self.port)
                    return self
                except OSError:
                    await asyncio.sleep(0.05)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        self._process.terminate()
        await asyncio.to_thread(self._process.wait, 15)

    def worker(self) -> psutil.Process:
        """The process that does the work."""
        return psutil.Process(self._process.pid).children()[0]

    @property
    def request(self) -> bytes:
        return b"GET /subscribe HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n\r\n"

    async def publish(self, bodies: list[bytes]) -> None:
        """All at once: requests one behind the other on a kept connection, which keeps their order. Raises Refused."""
        requests = [
            b"POST /publish HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            for body in bodies
        ]
        self._writer.write(b"".join(requests))
        answered = b""
        while answered.count(b"HTTP/1.1 ") < len(bodies):
            piece = await self._reader.read(65536)
            if not piece:
                raise Refused("nchan closed the publisher's connection")
            answered += piece
        taken = answered.count(b"HTTP/1.1 201") + answered.count(b"HTTP/1.1 202")
        if taken < len(bodies):
            raise Refused(f"nchan took {taken} of {len(bodies)} events")
