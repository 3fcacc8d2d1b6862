"""What the kernel holds in the buffers of connections: memory that no process shows."""

from collections.abc import Collection
from pathlib import Path

TABLE = Path("/proc/net/tcp")
LOCAL, REMOTE, QUEUES = 1, 2, 4
"""Columns of the table."""


def queued_mib(ports: Collection[int]) -> float:
    """Bytes that wait on connections of which either end has one of these ports, sent and unread together."""
    total = 0
    for row in TABLE.read_text().splitlines()[1:]:
        cells = row.split()
        if _port(cells[LOCAL]) in ports or _port(cells[REMOTE]) in ports:
            sending, receiving = cells[QUEUES].split(":")
            total += int(sending, 16) + int(receiving, 16)
    return total / 2**20


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
