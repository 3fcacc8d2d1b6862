"""`python -m tertulia_analytics serve | migrate | verify | dlq | replay`.

Each imports only what it needs; the warehouse's engine is imported when it is opened.
"""
# ruff: noqa: PLC0415

import sys


def serve() -> None:
    from tertulia_analytics.app import NAME, build
    from tertulia_analytics.settings import AnalyticsSettings
    from tertulia_shared import telemetry
    from tertulia_shared.runtime import run_process
    from tertulia_shared.settings import load

    settings = load(AnalyticsSettings)
    telemetry.configure(NAME, settings)
    run_process(settings, build)


def migrate() -> None:
    from tertulia_analytics.migrate import upgrade
    from tertulia_analytics.settings import MigrateSettings
    from tertulia_shared.settings import load

    upgrade(load(MigrateSettings).postgres_url.get_secret_value())


def verify() -> None:
    from tertulia_analytics.settings import VerifySettings
    from tertulia_analytics.verify.cli import main as compare
    from tertulia_shared.settings import load

    raise SystemExit(compare(load(VerifySettings)))


def operate(words: list[str]) -> None:
    from tertulia_shared.operators.command import service_main

    sys.exit(service_main("analytics", words))


PROCESSES = {"serve": serve, "migrate": migrate, "verify": verify}


def main(arguments: list[str]) -> None:
    match arguments:
        case [name] if name in PROCESSES:
            PROCESSES[name]()
        case ["dlq" | "replay", *_]:
            operate(arguments)
        case _:
            raise SystemExit(f"usage: python -m tertulia_analytics {' | '.join([*PROCESSES, 'dlq', 'replay'])}")


if __name__ == "__main__":
    main(sys.argv[1:])
