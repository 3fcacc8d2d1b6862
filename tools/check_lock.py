"""Fails when requirements.lock is out of step with the pyproject.toml files.

Every requirement of every member must be pinned to a version that satisfies it, every pin must be needed by something,
and every pin must carry hashes. Works offline, on the installed environment; `make lock` mends a difference.
"""

import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^(?P<requirement>[A-Za-z0-9][^\\#]*==[^\\#]+)")


def read_lock(text: str) -> tuple[dict[str, Requirement], list[str]]:
    """Pins that apply to this platform, by name, and complaints about the rest."""
    pins: dict[str, Requirement] = {}
    complaints: list[str] = []
    for block in re.split(r"\n(?=\S)", text):
        match = PIN.match(block)
        if match is None:
            continue
        pin = Requirement(match["requirement"].strip())
        if "--hash=sha256:" not in block:
            complaints.append(f"{pin.name}: has no hash")
        if pin.marker is None or pin.marker.evaluate():
            pins[canonicalize_name(pin.name)] = pin
    return pins, complaints


def declared() -> tuple[list[Requirement], set[str]]:
    """What the members ask for, and the members' own names."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [Requirement(text) for text in root["dependency-groups"]["dev"]]
    members: set[str] = set()
    for member in root["tool"]["uv"]["workspace"]["members"]:
        project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
        members.add(canonicalize_name(project["name"]))
        wanted += [Requirement(text) for text in project["dependencies"]]
        for extra in project.get("optional-dependencies", {}).values():
            wanted += [Requirement(text) for text in extra]
    return wanted, members


def overridden() -> dict[str, list[str]]:
    """Packages whose own requirements are replaced, by name (see `dependency-metadata` in the root)."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    entries = root["tool"]["uv"].get("dependency-metadata", [])
    return {canonicalize_name(entry["name"]): entry["requires-dist"] for entry in entries}


def pinned_version(pin: Requirement) -> str:
    return next(iter(pin.specifier)).version


def walk(wanted: list[Requirement], members: set[str], pins: dict[str, Requirement]) -> tuple[set[str], list[str]]:
    """Names reachable from the declared requirements, and what is missing or does not fit."""
    reached: set[tuple[str, frozenset[str]]] = set()
    complaints: list[str] = []
    queue = [item for item in wanted if item.marker is None or item.marker.evaluate()]
    while queue:
        item = queue.pop()
        name = canonicalize_name(item.name)
        if name in members or (name, frozenset(item.extras)) in reached:
            continue
        reached.add((name, frozenset(item.extras)))
        if name not in pins:
            complaints.append(f"{name}: is needed and not locked")
            continue
        if not item.specifier.contains(pinned_version(pins[name]), prereleases=True):
            complaints.append(f"{name}: locked at {pinned_version(pins[name])}, but {item} is asked for")
        queue += needs_of(name, item.extras)
    return {name for name, _ in reached}, complaints


def needs_of(name: str, extras: set[str]) -> list[Requirement]:
    try:
        listed = overridden().get(name)
        if listed is None:
            listed = requires(name) or []
    except PackageNotFoundError:
        return []
    parsed = [Requirement(text) for text in listed]
    contexts = [{"extra": extra} for extra in (extras or {""})]
    return [item for item in parsed if item.marker is None or any(item.marker.evaluate(one) for one in contexts)]


def main() -> int:
    pins, complaints = read_lock((ROOT / "requirements.lock").read_text())
    wanted, members = declared()
    reached, missing = walk(wanted, members, pins)
    complaints += missing
    complaints += [f"{name}: is locked and needed by nobody" for name in sorted(set(pins) - reached)]
    for complaint in complaints:
        print(f"requirements.lock: {complaint}")
    if complaints:
        print("Run `make lock`.")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
