"""`python -m tertulia_chat api | relay | migrate`."""

import sys

from tertulia_chat import migrate
from tertulia_chat.app import api
from tertulia_chat.settings import ApiSettings, MigrateSettings
from tertulia_shared import telemetry
from tertulia_shared.runtime import run_process
from tertulia_shared.settings import load


def main(arguments: list[str]) -> None:
    match arguments:
        case ["api"]:
            settings = load(ApiSettings)
            telemetry.configure("chat", settings)
            run_process(settings, api)
        case ["relay"]:
            from tertulia_chat.outbox.process import main as relay  # noqa: PLC0415 the other processes need none of it

            relay()
        case ["migrate"]:
            migrate.upgrade(load(MigrateSettings).postgres_url.get_secret_value())
        case _:
            raise SystemExit("usage: python -m tertulia_chat api | relay | migrate")


if __name__ == "__main__":
    main(sys.argv[1:])
