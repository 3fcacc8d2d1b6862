"""The `tertulia` command."""

import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter
from rich.console import Console
from rich.markup import escape

from tertulia_stack import doctor as doctor_room
from tertulia_stack import logview, ports
from tertulia_stack import status as status_room
from tertulia_stack import up as up_room
from tertulia_stack.embedded import Options, stack_specs
from tertulia_stack.home import Home, built_web, default_data_dir
from tertulia_stack.parts import BIGGER_MODEL, Part, chosen
from tertulia_stack.report import PatientConsole
from tertulia_stack.supervisor import state as state_file
from tertulia_stack.supervisor.spec import ServiceSpec
from tertulia_stack.up import shown

NOT_RUNNING = 3
"""Exit code of `status` when nothing runs, as service managers have it."""

app = App(
    name="tertulia",
    help="Tertulia on one machine: team chat with its PostgreSQL and NATS, without Docker.",
    version_flags=["--version"],
)

DataDir = Annotated[
    Path | None,
    Parameter(
        name="--data-dir",
        env_var="TERTULIA_DATA_DIR",
        help="Where everything is kept. Default: .tertulia in the checkout you stand in, else ~/.local/share/tertulia.",
    ),
]
Port = Annotated[int, Parameter(env_var="TERTULIA_PORT", help="Port of the front door.")]
Host = Annotated[str, Parameter(env_var="TERTULIA_HOST", help="Address to listen on; 0.0.0.0 opens it to the network.")]
PortBase = Annotated[
    int | None,
    Parameter(env_var="TERTULIA_PORT_BASE", help="First of the block of inner ports. Default: a free block."),
]
WebDir = Annotated[
    Path | None,
    Parameter(env_var="TERTULIA_WEB_DIR", help="The built web front end. Default: web/dist of the checkout."),
]
Words = Annotated[str, Parameter(allow_leading_hyphen=True, show=False)]
"""Passed on to the services' own command, which has its own --help."""
Json = Annotated[bool, Parameter(name="--json", negative="", help="For machines.")]


@app.command
def up(
    *,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    data_dir: DataDir = None,
    port_base: Annotated[
        int | None,
        Parameter(env_var="TERTULIA_PORT_BASE", help="First of the block of inner ports. Default: a free one."),
    ] = None,
    web_dir: WebDir = None,
    without: Annotated[
        list[Part] | None, Parameter(help="Leave a part out, e.g. --without bot. Can be given several times.")
    ] = None,
    model: Annotated[
        Path | None, Parameter(env_var="MODEL_PATH", help="A .gguf file for the local model; see --fetch-model.")
    ] = None,
    fetch_model: Annotated[
        bool, Parameter(negative="", help="Explain how to use a bigger model, and start nothing.")
    ] = False,
) -> int:
    """Start everything, wait until it is ready, keep it running until Ctrl-C."""
    if fetch_model:
        _console().print(BIGGER_MODEL, highlight=False, soft_wrap=True)
        return 0
    if model is not None and not model.is_file():
        _console().print(f"[red]✗[/] There is no model at {escape(str(model))}. See --fetch-model.", soft_wrap=True)
        return 1
    home = _home(data_dir)
    options = replace(
        _options(host, port, web_dir),
        parts=chosen(without or [], os.environ),
        model=model.absolute() if model is not None else None,
    )

    def make_specs() -> list[ServiceSpec]:
        return stack_specs(home, options, ports.block(home.ports_file, port_base))

    return up_room.up(home, options, make_specs, _console())


@app.command
def down(*, data_dir: DataDir = None) -> int:
    """Stop the stack that runs in another terminal."""
    return up_room.down(_home(data_dir), _console())


@app.command
def status(*, data_dir: DataDir = None, json: Json = False) -> int:
    """Show what runs. Exit code 3 when nothing does."""
    found = asyncio.run(status_room.stack_status(_home(data_dir)))
    if json:
        print(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        status_room.show(found, _console())
    return NOT_RUNNING if found.state == "stopped" else 0


@app.command
def logs(
    service: Annotated[str | None, Parameter(help="One service. Default: all of them.")] = None,
    /,
    *,
    follow: Annotated[bool, Parameter(name=["--follow", "-f"], negative="", help="Go on with what comes.")] = False,
    lines: Annotated[int, Parameter(name=["--lines", "-n"], help="How many of each service to begin with.")] = 40,
    json: Annotated[bool, Parameter(name="--json", negative="", help="The lines as they were written.")] = False,
    data_dir: DataDir = None,
) -> int:
    """Show what the services say, in the order of time."""
    home, console = _home(data_dir), _console()
    known = logview.known_services(home)
    if service is not None and service not in known:
        console.print(f"There is no log of “{service}”. There are: {', '.join(known) or 'none yet'}.", soft_wrap=True)
        return 1
    try:
        logview.show(home, [service] if service else known, lines=lines, follow=follow, raw=json, console=console)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough. Python would complain once more while it closes stdout.
        sys.stdout = None
        return 0
    return 0


@app.command
def doctor(
    *, port: Port = 8080, host: Host = "127.0.0.1", data_dir: DataDir = None, web_dir: WebDir = None, json: Json = False
) -> int:
    """Check whether this machine is fit, and say what to do when it is not."""
    findings = doctor_room.examine(_home(data_dir), _options(host, port, web_dir))
    if json:
        print(msgspec.json.format(msgspec.json.encode(findings)).decode())
    else:
        doctor_room.show(findings, _console())
    return 1 if any(finding.ok is False for finding in findings) else 0


@app.command
def seed(*, data_dir: DataDir = None) -> int:
    """Fill the running stack with a demo team's week: 10 people, 6 channels, 3,000 messages."""
    from tertulia_stack import seeding  # noqa: PLC0415 - the SDK is slow to import and only this command needs it

    return seeding.run(_home(data_dir), _console())


@app.command(help_flags=())
def dlq(*words: Words, data_dir: DataDir = None) -> int:
    """List, show and retry dead letters: `tertulia dlq list`, `dlq show search:12`, `dlq retry --all`."""
    return _letters("dlq", words, data_dir)


@app.command(help_flags=())
def replay(*words: Words, data_dir: DataDir = None) -> int:
    """Have a consumer handle a range of the stream again: `tertulia replay --consumer search --from 48211`."""
    return _letters("replay", words, data_dir)


@app.command(help_flags=())
def relay(*words: Words, data_dir: DataDir = None) -> int:
    """Look at the relay, or publish the log again: `tertulia relay status`, `relay rewind --to 48211 --dry-run`."""
    from tertulia_stack import operate  # noqa: PLC0415 - as in `_letters`

    return operate.relay(_home(data_dir), words)


@app.command
def reset(
    *,
    yes: Annotated[bool, Parameter(name=["--yes", "-y"], negative="", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> int:
    """Wipe all data: people, messages, logs, keys. Asks before."""
    home, console = _home(data_dir), _console()
    if not home.data_dir.exists():
        console.print(f"There is nothing at {shown(home)}.", soft_wrap=True, highlight=False)
        return 0
    if not _is_data_dir(home):
        console.print(f"[red]✗[/] {shown(home)} is no data directory of Tertulia; left alone.", soft_wrap=True)
        return 1
    if not yes and not _confirmed(home, console):
        console.print("Nothing was wiped.")
        return 1
    try:
        with state_file.lock(home):
            state_file.clear_left_behind(home)
            shutil.rmtree(home.data_dir)
    except state_file.AlreadyRunning:
        console.print("[red]✗[/] Tertulia runs on this data. Stop it first: [bold]tertulia down[/].")
        return 1
    console.print(f"Wiped {shown(home)}.", soft_wrap=True, highlight=False)
    return 0


def main() -> None:
    """Entry point of the script."""
    sys.exit(app())


def _letters(name: str, words: Sequence[str], data_dir: Path | None) -> int:
    from tertulia_stack import operate  # noqa: PLC0415 - the bus is slow to import and only these commands need it

    return operate.letters(_home(data_dir), [name, *words])


def _home(data_dir: Path | None) -> Home:
    chosen = data_dir if data_dir is not None else default_data_dir(Path.cwd(), Path.home())
    return Home(chosen.expanduser().absolute())


def _options(host: str, port: int, web_dir: Path | None) -> Options:
    return Options(host=host, port=port, web_dir=web_dir.absolute() if web_dir else built_web(Path.cwd()))


def _is_data_dir(home: Home) -> bool:
    """Guards against wiping a folder that somebody named by mistake."""
    return home.lock_file.exists() or not any(home.data_dir.iterdir())


def _confirmed(home: Home, console: Console) -> bool:
    console.print(f"This wipes everything in [bold]{shown(home)}[/]: people, messages, keys.", soft_wrap=True)
    try:
        return console.input("Type “wipe” to go on: ").strip().strip("“”\"'") == "wipe"
    except EOFError:
        return False


def _console() -> Console:
    return PatientConsole(width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "160")))
