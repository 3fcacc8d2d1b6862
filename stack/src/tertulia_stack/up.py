"""`tertulia up` and `tertulia down`."""

import asyncio
import os
import signal
from collections.abc import Callable

import psutil
from rich.console import Console
from rich.markup import escape

from tertulia_stack import ports as port_block
from tertulia_stack.embedded import Options
from tertulia_stack.home import Home
from tertulia_stack.limits import raise_open_files
from tertulia_stack.logview import show_lines
from tertulia_stack.report import LiveReporter, PlainReporter
from tertulia_stack.servers import ServerFailed
from tertulia_stack.supervisor import state as state_file
from tertulia_stack.supervisor.child import ServiceFailed
from tertulia_stack.supervisor.spec import ServiceSpec
from tertulia_stack.supervisor.supervisor import Supervisor

DOWN_PATIENCE_S = 8.0


def up(home: Home, options: Options, make_specs: Callable[[], list[ServiceSpec]], console: Console) -> int:
    """Run the stack until a signal. The exit code."""
    try:
        home.create()
    except OSError as error:
        console.print(f"[red]✗[/] No data can be kept in {shown(home)}: {error.strerror}", soft_wrap=True)
        return 1
    try:
        with state_file.lock(home):
            return _up_alone(home, options, make_specs, console)
    except state_file.AlreadyRunning:
        state = state_file.running(home)
        where = f" at [cyan]{state.url}[/]" if state is not None else ""
        console.print(f"Tertulia already runs{where} on {shown(home)}.", soft_wrap=True, highlight=False)
        console.print("[bold]tertulia status[/] shows it, [bold]tertulia down[/] stops it.")
        return 1


def _up_alone(home: Home, options: Options, make_specs: Callable[[], list[ServiceSpec]], console: Console) -> int:
    if left := state_file.clear_left_behind(home):
        console.print(f"[yellow]![/] Ended what a former run had left behind: {', '.join(left)}")
    if not port_block.is_free(options.port, options.host):
        console.print(f"[red]✗[/] Port {options.port} is taken{_by_whom(options.port)}.", soft_wrap=True)
        console.print("Choose another one: [bold]tertulia up --port 8081[/], or set TERTULIA_PORT.")
        return 1
    raise_open_files()
    try:
        specs = make_specs()
    except (port_block.NoFreePorts, ServerFailed, LookupError) as error:
        console.print(f"[red]✗[/] {escape(str(error))}", soft_wrap=True)
        return 1
    if options.web_dir is None:
        console.print("[yellow]![/] The web front end is not built: only the API answers. Build it with `make web`.")
    return _supervise(home, options, specs, console)


def _supervise(home: Home, options: Options, specs: list[ServiceSpec], console: Console) -> int:
    reporter = LiveReporter(console) if console.is_terminal else PlainReporter(console)
    try:
        supervisor = Supervisor(
            specs, home=home, url=options.url, host=options.host, environment=os.environ, reporter=reporter
        )
        asyncio.run(supervisor.run())
    except ServiceFailed as failure:
        reporter.close()
        console.print(f"\n[red]✗[/] {escape(str(failure))}", soft_wrap=True, highlight=False)
        show_lines(failure.name, failure.log, console)
        console.print(f"The whole log: {escape(str(home.log_of(failure.name)))}", soft_wrap=True, highlight=False)
        return 1
    finally:
        reporter.close()
    return 0


def down(home: Home, console: Console) -> int:
    """Stop the stack that runs on this data. The exit code; nothing running is fine."""
    state = state_file.running(home)
    if state is None:
        console.print(f"Nothing runs on {shown(home)}.", soft_wrap=True, highlight=False)
        return 0
    supervisor = state.supervisor.find()
    if supervisor is None:
        console.print("[red]✗[/] Something holds the data directory, and it is no stack that I know of.")
        return 1
    supervisor.send_signal(signal.SIGTERM)
    if not state_file.wait_until_unlocked(home, DOWN_PATIENCE_S):
        console.print("[yellow]![/] It did not stop in time; ending it by force.")
        supervisor.kill()
        state_file.wait_until_unlocked(home, DOWN_PATIENCE_S)
        with state_file.lock(home):
            state_file.clear_left_behind(home)
    console.print("Stopped. Your data stays.")
    return 0


def shown(home: Home) -> str:
    """The data directory for a rich console."""
    return escape(str(home.data_dir))


def _by_whom(port: int) -> str:
    """The program that listens on a port, when this user may know it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        return ""
    return ""
