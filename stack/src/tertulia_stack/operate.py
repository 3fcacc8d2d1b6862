"""`tertulia dlq`, `tertulia replay` and `tertulia relay`: the services' own commands, on the stack that runs here."""

import os
import subprocess
import sys
from collections.abc import Sequence

from tertulia_shared.operators import command
from tertulia_shared.operators.dead_letters import Install
from tertulia_shared.operators.errors import Away, tell
from tertulia_stack import ports
from tertulia_stack.home import Home
from tertulia_stack.servers import NatsServer, PostgresServer
from tertulia_stack.supervisor import state as state_file

WITH_LETTERS = {"chat": "chat-api", "search": "search", "bot": "bot", "analytics": "analytics"}
"""Services that keep dead letters, by the database's name; a part that was left out has none."""


def letters(home: Home, words: Sequence[str]) -> int:
    """`dlq` or `replay` over all services. The exit status."""
    install = _install(home)
    return _not_running(words) if install is None else command.main("tertulia", install, words)


def relay(home: Home, words: Sequence[str]) -> int:
    """`python -m tertulia_chat relay …` with the addresses of this stack. The exit status."""
    install = _install(home)
    if install is None:
        return _not_running(words)
    env = {**os.environ, "POSTGRES_URL": install.postgres_urls["chat"], "NATS_URL": install.nats_url}
    return subprocess.run([sys.executable, "-m", "tertulia_chat", "relay", *words], env=env, check=False).returncode


def _install(home: Home) -> Install | None:
    """None when nothing runs on this data."""
    state = state_file.running(home)
    chosen = ports.remembered(home.ports_file)
    if state is None or not chosen:
        return None
    running = {service.name for service in state.services}
    postgres = PostgresServer(home.postgres, chosen["postgres"])
    return Install(
        postgres_urls={
            name: postgres.url(f"tertulia_{name}") for name, service in WITH_LETTERS.items() if service in running
        },
        nats_url=NatsServer(home.nats, chosen["nats"]).url,
    )


def _not_running(words: Sequence[str]) -> int:
    error = Away("not_running", "Tertulia is not running here.", "Start it with `tertulia up`.")
    return tell(error, as_json="--json" in words)
