"""`python -m tertulia_bot serve | migrate | model | dlq | replay`. Each process imports only what it needs."""
# ruff: noqa: PLC0415

import sys


def serve() -> None:
    from tertulia_bot.app import NAME, build
    from tertulia_bot.settings import ServeSettings
    from tertulia_shared import telemetry
    from tertulia_shared.runtime import run_process
    from tertulia_shared.settings import load

    settings = load(ServeSettings)
    telemetry.configure(NAME, settings)
    run_process(settings, build)


def migrate() -> None:
    from tertulia_bot.migrate import upgrade
    from tertulia_bot.settings import MigrateSettings
    from tertulia_shared.settings import load

    upgrade(load(MigrateSettings).postgres_url.get_secret_value())


def model() -> None:
    from tertulia_bot.provider.local import NAME, serve_model
    from tertulia_bot.settings import ModelSettings
    from tertulia_shared import telemetry
    from tertulia_shared.settings import load

    settings = load(ModelSettings)
    telemetry.configure(NAME, settings)
    serve_model(settings)


def operate(words: list[str]) -> None:
    from tertulia_shared.operators.command import service_main

    sys.exit(service_main("bot", words))


PROCESSES = {"serve": serve, "migrate": migrate, "model": model}


def main(arguments: list[str]) -> None:
    match arguments:
        case [name] if name in PROCESSES:
            PROCESSES[name]()
        case ["dlq" | "replay", *_]:
            operate(arguments)
        case _:
            raise SystemExit(f"usage: python -m tertulia_bot {' | '.join([*PROCESSES, 'dlq', 'replay'])}")


if __name__ == "__main__":
    main(sys.argv[1:])
