"""`python -m tertulia_search serve | migrate | rebuild | dlq | replay`.

`rebuild` asks the running service (HOST, PORT) to rebuild its index and shows how it goes: the embedded index belongs
to one process. Each command imports only what it needs.
"""
# ruff: noqa: PLC0415

import sys


def serve() -> None:
    from tertulia_search.app import NAME, build
    from tertulia_search.settings import SearchSettings
    from tertulia_shared.runtime import run_process
    from tertulia_shared.settings import load
    from tertulia_shared.telemetry import configure

    settings = load(SearchSettings)
    configure(NAME, settings)
    run_process(settings, build)


def migrate() -> None:
    from tertulia_search.migrate import upgrade
    from tertulia_search.settings import MigrateSettings
    from tertulia_shared.settings import load

    upgrade(load(MigrateSettings).postgres_url.get_secret_value())


def rebuild() -> None:
    from tertulia_search.rebuild.command import main as run
    from tertulia_search.settings import RebuildSettings
    from tertulia_shared.settings import load

    sys.exit(run(load(RebuildSettings)))


def operate(words: list[str]) -> None:
    from tertulia_shared.operators.command import service_main

    sys.exit(service_main("search", words))


COMMANDS = {"serve": serve, "migrate": migrate, "rebuild": rebuild}


def main(arguments: list[str]) -> None:
    match arguments:
        case [name] if name in COMMANDS:
            COMMANDS[name]()
        case ["dlq" | "replay", *_]:
            operate(arguments)
        case _:
            raise SystemExit(f"usage: python -m tertulia_search {' | '.join([*COMMANDS, 'dlq', 'replay'])}")


if __name__ == "__main__":
    main(sys.argv[1:])
