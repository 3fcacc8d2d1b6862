"""What `tertulia up` tells a person: a live table in a terminal, plain lines elsewhere."""

import os
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from tertulia_stack.supervisor.child import Child, State

WORDS = {
    State.waiting: "waiting",
    State.preparing: "preparing",
    State.starting: "starting",
    State.ready: "ready",
    State.restarting: "starting again",
    State.done: "done",
    State.stopping: "stopping",
    State.stopped: "stopped",
}
UP_STATES = {State.ready, State.done}


class PatientConsole(Console):
    """Falls silent when its reader went away (`tertulia up | head`): that is no reason to take the stack down."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        # What is still buffered must not fail once more when Python closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class PlainReporter:
    """A line for every step; for pipes, files and CI."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._since: dict[str, float] = {}
        self._up = False

    def changed(self, child: Child) -> None:
        name = child.spec.name
        self._since.setdefault(name, time.monotonic())
        if child.state is State.restarting:
            self.say(f"[yellow]![/] {name} {_ending(child)}; starting again in {child.next_start_s:.1f} s")
            self._since[name] = time.monotonic()
        elif child.state in UP_STATES:
            again = " again" if child.restarts else ""
            seconds = time.monotonic() - self._since[name]
            self.say(f"[green]✓[/] {name:<18}{WORDS[child.state]}{again} after {seconds:.1f} s")

    def ready(self, url: str, seconds: float) -> None:
        self._up = True
        self.say(f"\n[bold]Tertulia is ready[/] at [bold cyan]{url}[/]  ({seconds:.1f} s)")
        self.say("[dim]Ctrl-C stops it. In another terminal: tertulia status · tertulia logs -f · tertulia seed[/]\n")

    def stopping(self) -> None:
        self.say("\nStopping …")

    def stopped(self) -> None:
        self.say("Stopped. Your data stays; start again with [bold]tertulia up[/].")

    def close(self) -> None:
        """Give the terminal back, whatever happened."""

    def say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


class LiveReporter(PlainReporter):
    """The same with a table that moves until everything is ready."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._rows: dict[str, Callable[[], Text | Spinner]] = {}
        self._live = Live(console=console, refresh_per_second=8, transient=True, get_renderable=self._table)
        self._live.start()

    def changed(self, child: Child) -> None:
        if self._up:
            super().changed(child)
            return
        if child.state is State.restarting:
            super().changed(child)
        began = self._since.setdefault(child.spec.name, time.monotonic())
        self._rows[child.spec.name] = _row(child.state, began)

    def ready(self, url: str, seconds: float) -> None:
        self._live.stop()
        self._console.print(self._table())
        super().ready(url, seconds)

    def stopping(self) -> None:
        self._end_table()
        super().stopping()

    def stopped(self) -> None:
        self._end_table()
        super().stopped()

    def close(self) -> None:
        self._end_table()

    def _end_table(self) -> None:
        self._up = True
        self._live.stop()

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        for name, render in self._rows.items():
            table.add_row(Text(name, style="bold"), render())
        return table


def _row(state: State, began: float) -> Callable[[], Text | Spinner]:
    if state in UP_STATES:
        text = Text.assemble(("✓ ", "green"), WORDS[state], (f"  {time.monotonic() - began:.1f} s", "dim"))
        return lambda: text
    spinner = Spinner("dots", text=WORDS[state], style="cyan")
    return lambda: spinner


def _ending(child: Child) -> str:
    return escape(child.last_end or "ended")
