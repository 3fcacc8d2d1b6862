"""The benchmark of the page: it goes through everything that it measures. No time is judged."""

from typing import Any, cast

import pytest
from rich.console import Console

from tertulia_bench.web import measure
from tertulia_bench.web_line import Size

SIZE = Size(messages=300, events=40, openings=1, switches=2, keys=6)


@pytest.mark.e2e
@pytest.mark.timeout(200)
async def test_all_that_is_judged_is_measured() -> None:
    line = cast(Any, await measure(SIZE, Console(quiet=True)))
    assert set(line["held"]) == {"interactive", "script", "switch", "key", "memory"}
    assert line["ours"] > 0
    assert line["script_kb"] > 0
    assert line["key_ms"]["p95"] >= line["key_ms"]["p50"] > 0
    assert line["rows"] <= 400
    assert line["memory_mb"]["late"] > 0
