"""The whole stack, started once as `tertulia up` does it, and what its services said when a journey fails."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tertulia_stack.background import BackgroundStack
from tertulia_stack.home import Home

from .page import ONE

REPOSITORY = Path(__file__).parents[2]
LOG_LINES = 25


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            share_the_loop(item)


def share_the_loop(item: pytest.Item) -> None:
    """One event loop for all journeys, as they share a browser. Before the mark that pytest-asyncio has set itself."""
    if item.get_closest_marker("asyncio") is not None:
        item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session", autouse=True)
async def one_browser() -> AsyncIterator[None]:
    """Closed when the last journey is over."""
    yield
    await ONE.close()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[BackgroundStack]:
    """Ready for work, with the limits off: bursts are the point here, and the gateway's tests hold the limits."""
    assert (REPOSITORY / "web" / "dist" / "index.html").is_file(), "build the web front end first: make web"
    data_dir = tmp_path_factory.mktemp("a whole stack") / "data"
    # Answers long enough to be interrupted, and short enough for a busy machine.
    with BackgroundStack(data_dir, env={"RATE_LIMITS": "off", "MAX_ANSWER_TOKENS": "120"}) as stack:
        request.config.stash[_STACK] = stack
        yield stack
        del request.config.stash[_STACK]


_STACK = pytest.StashKey[BackgroundStack]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failed journey shows the end of every service's log."""
    report: pytest.TestReport = yield
    stack = item.config.stash.get(_STACK, None)
    if report.failed and stack is not None:
        report.sections.append(("supervisor", stack.said()[-2000:]))
        for log in sorted(Home(stack.data_dir).logs.glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            report.sections.append((f"log of {log.stem}", "\n".join(line[:600] for line in lines)))
    return report
