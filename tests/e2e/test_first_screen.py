"""The files of the built page: what the first screen loads, and what there is without the network. `make bench
NAME=web` measures the page in a browser; this weighs and looks."""

import gzip
import json
from pathlib import Path

DIST = Path(__file__).parents[2] / "web" / "dist"
BEGIN = (
    "index.html",
    "src/app/views/WorkspaceView.vue",
    "src/app/views/ConversationView.vue",
    "src/locales/en/first.ts",
)
ALLOWED = 250_000


def test_the_scripts_of_the_first_screen_are_no_heavier_than_allowed() -> None:
    manifest = json.loads((DIST / ".vite" / "manifest.json").read_text())
    files: set[str] = set()
    waiting = list(BEGIN)
    while waiting:
        part = manifest[waiting.pop()]
        if part["file"] not in files:
            files.add(part["file"])
            waiting += part.get("imports", [])
    weights = {file: len(gzip.compress((DIST / file).read_bytes(), 6)) for file in files}
    heaviest = sorted(weights.items(), key=lambda one: -one[1])[:10]
    assert sum(weights.values()) <= ALLOWED, f"{sum(weights.values()):,} bytes; the heaviest: {heaviest}"
    assert len(files) < 20, f"each file has a head of its own: {sorted(files)}"


def test_the_worker_keeps_every_component() -> None:
    """A version that came while nobody looked has to begin without the network too."""
    manifest = json.loads((DIST / ".vite" / "manifest.json").read_text())
    worker = (DIST / "sw.js").read_text()
    files = {part["file"] for name, part in manifest.items() if name.endswith(".vue")}
    assert len(files) > 20
    assert {file for file in files if f'"/{file}"' not in worker} == set()


def test_a_texts_direction_is_its_own_in_the_built_styles() -> None:
    """The build turns `:dir()` into a list of languages for browsers without it, and the language is the page's."""
    styles = "".join(file.read_text() for file in (DIST / "assets").glob("*.css"))
    assert ":is(.prose,.words):dir(ltr)" in styles
