"""What the first screen loads of the built page. `make bench NAME=web` measures it in a browser; this weighs files."""

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


def test_a_texts_direction_is_its_own_in_the_built_styles() -> None:
    """The build turns `:dir()` into a list of languages for browsers without it, and the language is the page's."""
    styles = "".join(file.read_text() for file in (DIST / "assets").glob("*.css"))
    assert ":is(.prose,.words):dir(ltr)" in styles
