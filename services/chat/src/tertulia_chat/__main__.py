"""`python -m tertulia_chat api | relay | migrate`, and while they serve `rebuild unread | threads | notifications`,
`relay status | rewind`, `dlq list | show | retry` and `replay`.

Each process imports only what it needs: starting is mostly importing, and nothing serves before `migrate` is done.
"""
# ruff: noqa: PLC0415

import sys


def api() -> None:
    from tertulia_chat.app import api as build
    from tertulia_chat.settings import ApiSettings
    from tertulia_shared import telemetry
    from tertulia_shared.runtime import run_process
    from tertulia_shared.settings import load

    settings = load(ApiSettings)
    telemetry.configure("chat", settings)
    run_process(settings, build)


def relay() -> None:
    from tertulia_chat.relay.process import main

    main()


def migrate() -> None:
    from tertulia_chat.migrate import upgrade
    from tertulia_chat.settings import MigrateSettings
    from tertulia_shared.settings import load

    upgrade(load(MigrateSettings).postgres_url.get_secret_value())


def rebuild(what: str) -> None:
    from tertulia_chat.rebuild.command import main as run
    from tertulia_chat.settings import MigrateSettings
    from tertulia_shared.settings import load

    sys.exit(run(what, load(MigrateSettings).postgres_url.get_secret_value()))


def relay_command(words: list[str]) -> None:
    from tertulia_chat.relay.command import main as run

    sys.exit(run(words))


def operate(words: list[str]) -> None:
    from tertulia_shared.operators.command import service_main

    sys.exit(service_main("chat", words))


PROCESSES = {"api": api, "relay": relay, "migrate": migrate}
REBUILDS = ("unread", "threads", "notifications")


def main(arguments: list[str]) -> None:
    match arguments:
        case [name] if name in PROCESSES:
            PROCESSES[name]()
        case ["rebuild", what] if what in REBUILDS:
            rebuild(what)
        case ["relay", *words]:
            relay_command(words)
        case ["dlq" | "replay", *_]:
            operate(arguments)
        case _:
            commands = [*PROCESSES, f"rebuild {'|'.join(REBUILDS)}", "relay status|rewind", "dlq", "replay"]
            raise SystemExit(f"usage: python -m tertulia_chat {' | '.join(commands)}")


if __name__ == "__main__":
    main(sys.argv[1:])
