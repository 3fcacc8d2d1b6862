"""The part of requirements.lock that the named packages need: the same pins, the same hashes.

An image installs one service, not the workspace. What a member asks for directly, with its extras, stands in its
pyproject.toml; who asks for what below that stands in the lock's own `# via` lines. So it needs neither an index nor
anything installed, and runs on a bare Python:

    python tools/requirements_of.py tertulia-bot[local] > bot.txt
    python -m pip install --require-hashes --no-deps -r bot.txt
"""

import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==")
WANTED = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[(?P<extras>[^\]]*)\])?")
VIA = re.compile(r"^\s+#(?: via)?\s+(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)$", re.MULTILINE)


class Lock:
    """The lock as written: blocks by name, and who asks for whom."""

    def __init__(self, text: str) -> None:
        self.blocks: dict[str, list[str]] = defaultdict(list)
        self.asked_by: dict[str, set[str]] = defaultdict(set)
        for block in re.split(r"\n(?=\S)", text.rstrip("\n")):
            pin = PIN.match(block)
            if pin is None:
                continue
            name = normal(pin["name"])
            self.blocks[name].append(block)
            for via in VIA.finditer(block):
                self.asked_by[normal(via["name"])].add(name)

    def closure(self, names: set[str]) -> list[str]:
        """The names and everything below them, sorted. Raises SystemExit for one that is not locked."""
        reached: set[str] = set()
        queue = sorted(names)
        while queue:
            name = queue.pop()
            if name not in self.blocks:
                raise SystemExit(f"{name} is not in requirements.lock; run `make lock`")
            if name not in reached:
                reached.add(name)
                queue += self.asked_by[name]
        return sorted(reached)


def normal(name: str) -> str:
    """As PEP 503 compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def members() -> dict[str, Path]:
    """Manifests by package name. Members whose files were left out of an image are not there."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    manifests = [ROOT / member / "pyproject.toml" for member in root["tool"]["uv"]["workspace"]["members"]]
    return {project_of(manifest)["name"]: manifest for manifest in manifests if manifest.is_file()}


def project_of(manifest: Path) -> dict[str, Any]:
    return tomllib.loads(manifest.read_text())["project"]


def direct(requirement: str, known: dict[str, Path]) -> set[str]:
    """Names outside the workspace that this requirement asks for, through any number of members."""
    wanted = WANTED.match(requirement)
    if wanted is None:
        raise SystemExit(f"not a requirement: {requirement}")
    name = normal(wanted["name"])
    if name not in known:
        return {name}
    project = project_of(known[name])
    listed: list[str] = list(project["dependencies"])
    for extra in filter(None, (part.strip() for part in (wanted["extras"] or "").split(","))):
        listed += project["optional-dependencies"][extra]
    return {found for below in listed for found in direct(below, known)}


def main(requirements: list[str]) -> None:
    if not requirements:
        raise SystemExit("usage: requirements_of.py PACKAGE[EXTRA] …")
    lock = Lock((ROOT / "requirements.lock").read_text())
    known = members()
    names = {name for requirement in requirements for name in direct(requirement, known)}
    for name in lock.closure(names):
        print("\n".join(lock.blocks[name]))


if __name__ == "__main__":
    main(sys.argv[1:])
