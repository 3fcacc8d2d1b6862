"""What the relay's safety asks of NATS: docs/decisions/0018-who-may-publish.md."""

import re
from pathlib import Path

import pytest

from tertulia_shared.bus.streams import DUPLICATE_WINDOW_S
from tertulia_stack.servers import NatsServer

from .processes import REPOSITORY

DEPLOY = REPOSITORY / "deploy"


def longest_silence_s(configuration: str) -> int:
    """After which the server has certainly ended a client's connection."""
    interval = re.search(r'^ping_interval: "(\d+)s"$', configuration, re.MULTILINE)
    most = re.search(r"^ping_max: (\d+)$", configuration, re.MULTILINE)
    assert interval
    assert most
    return int(interval[1]) * (int(most[1]) + 2)


@pytest.mark.parametrize("file", sorted(DEPLOY.rglob("nats.conf")), ids=lambda file: file.parent.name)
def test_a_client_that_hangs_is_cut_off_before_the_stream_forgets_ids(file: Path):
    assert longest_silence_s(file.read_text()) < DUPLICATE_WINDOW_S / 2


def test_so_it_is_in_the_embedded_stack(tmp_path: Path):
    server = NatsServer(tmp_path / "nats")
    assert longest_silence_s(server._render()) < DUPLICATE_WINDOW_S / 2
