"""The one place where ports come from.

A stack needs one port that people know (the gateway's) and a handful that only its own processes know. Those
are a block of neighbours, chosen once, kept in the data directory and changed only when somebody else took one.
"""

import json
import secrets
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
# Below the range that Linux hands out for outgoing connections (32768 and up), above the well-known ones: nobody's
# connection takes what was found free before a server listens there.
FIRST, LAST, BLOCK = 20_000, 32_000, 10
FIRST_ALONE, LAST_ALONE = 10_000, 20_000
ATTEMPTS = 200


class NoFreePorts(RuntimeError):
    """The wanted block is taken, or none was found."""


def free_port(host: str = LOOPBACK) -> int:
    """A port that nothing listens on right now, outside of all blocks. Raises NoFreePorts."""
    for _ in range(ATTEMPTS):
        port = FIRST_ALONE + secrets.randbelow(LAST_ALONE - FIRST_ALONE)
        if is_free(port, host):
            return port
    raise NoFreePorts(f"found no free port between {FIRST_ALONE} and {LAST_ALONE}")


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
    for _ in range(ATTEMPTS):
        ports = _from(FIRST + BLOCK * secrets.randbelow((LAST - FIRST) // BLOCK))
        if all(map(is_free, ports.values())):
            return ports
    raise NoFreePorts(f"found no {len(NAMES)} free ports next to each other between {FIRST} and {LAST}")


def _from(base: int) -> dict[str, int]:
    return {name: base + offset for offset, name in enumerate(NAMES)}
