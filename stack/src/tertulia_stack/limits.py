"""Limits of the operating system that a chat server with many open streams meets first."""

import os
import resource
from pathlib import Path

WANTED_FILES = 4096


def open_files() -> tuple[int, int]:
    """Soft and hard limit of open files per process."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)


def raise_open_files() -> int:
    """Lift the soft limit to the hard one for this process and its children; the limit in force after that."""
    soft, hard = open_files()
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        # macOS reports an infinite hard limit and refuses it.
        return soft
    return hard


def disk_free_bytes(path: Path) -> int:
    """Room on the disk of the nearest folder that exists, for an ordinary user."""
    while not path.exists():
        path = path.parent
    usage = os.statvfs(path)
    return usage.f_bavail * usage.f_frsize
