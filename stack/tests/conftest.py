"""A small real stack (PostgreSQL, NATS, a task, two HTTP processes) under the real supervisor, as its own process."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tertulia_stack.background import BackgroundStack
from tertulia_stack.ports import free_port

TINY_STACK = Path(__file__).with_name("tiny_stack.py")


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[BackgroundStack]:
    # The space is meant: checkouts live below "My Projects" too.
    data_dir, port = tmp_path / "data with spaces", free_port()
    made = BackgroundStack(data_dir, port, command=[sys.executable, TINY_STACK, data_dir, str(port)])
    yield made
    made.stop()
