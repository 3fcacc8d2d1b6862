"""The one place where ports come from.

A stack needs one port that people know (the gateway's) and a handful that only its own processes know. Those
are a block of neighbours, chosen once, kept in the data directory and changed only when somebody else took one.
"""

import json
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
NAMES = (
    "postgres",
    "nats",
    "chat-api",
    "chat-relay",
    "notify",
    "gateway-ops",
    "search",
    "model",
    "bot",
    "analytics",
)
# Below the range that Linux hands out for outgoing connections (32768 and up), above the well-known ones.
FIRST, LAST = 20_000, 32_000


class NoFreePorts(RuntimeError):
    """The wanted block is taken, or none was found."""


def free_port(host: str = LOOPBACK) -> int:
    """A port that nothing listens on right now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen here; connections of a former one that still linger do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def remembered(file: Path) -> dict[str, int]:
    """The block of this data directory; empty when none was chosen yet or the file is damaged."""
    try:
        kept = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) and set(kept) == set(NAMES) else {}


def block(file: Path, base: int | None = None) -> dict[str, int]:
    """Ports by name: from `base` when given, else the remembered ones while free, else a new block.

    Raises NoFreePorts.
    """
    if base is not None:
        ports = _from(base)
        if taken := [str(port) for port in ports.values() if not is_free(port)]:
            raise NoFreePorts(f"port {', '.join(taken)} of the block from {base} is taken")
    else:
        ports = remembered(file)
        if not ports or not all(map(is_free, ports.values())):
            ports = _new()
    file.write_text(json.dumps(ports))
    return ports


def _new() -> dict[str, int]:
    for _ in range(200):
        ports = _from(random.randrange(FIRST, LAST, 10))  # noqa: S311 - spreads stacks, keeps no secret
        if all(map(is_free, ports.values())):
            return ports
    raise NoFreePorts(f"found no {len(NAMES)} free ports next to each other between {FIRST} and {LAST}")


def _from(base: int) -> dict[str, int]:
    return {name: base + offset for offset, name in enumerate(NAMES)}
