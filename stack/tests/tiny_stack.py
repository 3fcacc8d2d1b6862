"""`tertulia up` with other services: a real PostgreSQL, a task and two tiny HTTP processes.

Arguments: data directory, port of the front, further words for the tiny services (see tiny_service.py) or `broken`.
"""

import signal
import sys
from pathlib import Path

from tertulia_stack import up
from tertulia_stack.embedded import Options, server_spec
from tertulia_stack.home import Home
from tertulia_stack.ports import block
from tertulia_stack.report import PatientConsole
from tertulia_stack.servers import NatsServer, PostgresServer
from tertulia_stack.supervisor.spec import ServiceSpec

SERVICE = Path(__file__).with_name("tiny_service.py")


def main() -> int:
    home, port, words = Home(Path(sys.argv[1])), int(sys.argv[2]), sys.argv[3:]

    def tiny(name: str, on_port: int, after: list[str]) -> ServiceSpec:
        return ServiceSpec(
            name=name,
            command=[sys.executable, str(SERVICE), str(on_port), "0.1", *words],
            port=on_port,
            ready_url=f"http://127.0.0.1:{on_port}/readyz",
            depends_on=after,
        )

    def specs() -> list[ServiceSpec]:
        ports = block(home.ports_file)
        # Asked like every service: one that nobody asks counts as ready for as long as it lives.
        hopeless = ServiceSpec(
            name="hopeless",
            command=[sys.executable, "-c", "raise SystemExit(7)"],
            port=ports["bot"],
            ready_url=f"http://127.0.0.1:{ports['bot']}/readyz",
            optional=True,
        )
        task = "raise SystemExit('no such table')" if "broken" in words else "print('migrated')"
        return [
            server_spec("postgres", PostgresServer(home.postgres, ports["postgres"]), signal.SIGINT),
            server_spec("nats", NatsServer(home.nats, ports["nats"]), signal.SIGTERM),
            ServiceSpec(name="migrate", command=[sys.executable, "-c", task], depends_on=["postgres"], once=True),
            tiny("middle", ports["notify"], ["migrate", "nats"]),
            tiny("front", port, ["middle"]),
            *([hopeless] if "hopeless" in words else []),
        ]

    return up.up(home, Options(host="127.0.0.1", port=port, web_dir=None), specs, PatientConsole(width=120))


if __name__ == "__main__":
    sys.exit(main())
