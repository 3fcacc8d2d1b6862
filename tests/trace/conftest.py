"""The whole stack with a trace store of the test's own, started once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tertulia_stack.background import BackgroundStack

from ..e2e.conftest import one_browser, share_the_loop
from .receiver import Receiver, receiving

__all__ = ["one_browser"]

REPOSITORY = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            share_the_loop(item)


@pytest.fixture(scope="session")
def store() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def traced(tmp_path_factory: pytest.TempPathFactory, store: Receiver) -> Iterator[BackgroundStack]:
    assert (REPOSITORY / "web" / "dist" / "index.html").is_file(), "build the web front end first: make web"
    data_dir = tmp_path_factory.mktemp("a traced stack") / "data"
    env = {
        "RATE_LIMITS": "off",
        "OTEL_EXPORTER_OTLP_ENDPOINT": store.url,
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }
    with BackgroundStack(data_dir, env=env) as stack:
        yield stack
