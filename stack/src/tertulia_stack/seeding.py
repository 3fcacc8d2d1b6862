"""`tertulia seed`, as a person sees it."""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tertulia_stack.home import Home
from tertulia_stack.seed.load import SeedRefused, Steps, former, refuse_unless_private, seed
from tertulia_stack.seed.people import CHANNELS, PASSWORD, PEOPLE, WORKSPACE
from tertulia_stack.supervisor import state as state_file
from tertulia_stack.supervisor.state import StackState


def run(home: Home, console: Console) -> int:
    """Seed the stack that runs on this data. The exit code; being seeded already is fine."""
    state = state_file.running(home)
    if state is None or state.phase != "ready":
        console.print("[red]✗[/] Tertulia is not running here. Start it with [bold]tertulia up[/], then seed it.")
        return 1
    done = former(home)
    try:
        if done is not None and done.done:
            refuse_unless_private(state)
            console.print("The demo is already here; nothing was added.")
        else:
            _seed_with_progress(home, state, console)
    except SeedRefused as refusal:
        console.print(f"[red]✗[/] {refusal}", soft_wrap=True, markup=True, highlight=False)
        return 1
    _show_logins(state, console)
    return 0


def _seed_with_progress(home: Home, state: StackState, console: Console) -> None:
    columns = (TextColumn("{task.description:<9}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:

        def begin(name: str, parts: int) -> None:
            progress.add_task(name, total=parts)

        def advance(parts: int) -> None:
            progress.advance(progress.task_ids[-1], parts)

        imported = asyncio.run(seed(home, state, Steps(begin=begin, advance=advance)))
    said = f"{len(PEOPLE)} people, {len(CHANNELS)} channels, {imported:,} messages"
    console.print(f"\n[green]✓[/] “{WORKSPACE}”: {said}.", highlight=False)


def _show_logins(state: StackState, console: Console) -> None:
    names = ", ".join(person.username for person in PEOPLE)
    console.print(f"Open [bold cyan]{state.url}[/] and sign in as one of", soft_wrap=True, highlight=False)
    console.print(f"  {names}", soft_wrap=True, highlight=False)
    console.print(f"with the password [bold]{PASSWORD}[/].", highlight=False)
