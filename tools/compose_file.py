"""docker-compose.yml as data, with its variables filled in: for the tests and for tools/try_image.py."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / "deploy" / "compose" / "env.example"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<kind>:-|:\?)(?P<rest>[^}]*))?\}")


class VariableMissing(ValueError):
    """A variable that the file requires has no value."""


def read(values: Mapping[str, str]) -> dict[str, Any]:
    """The file, merged and interpolated. Raises VariableMissing."""
    return _filled(yaml.safe_load(FILE.read_text()), values)


def required_variables() -> set[str]:
    """What a person has to fill in, by the file's own word."""
    return {match["name"] for match in VARIABLE.finditer(FILE.read_text()) if match["kind"] == ":?"}


def example_variables() -> set[str]:
    """What the example asks a person to fill in."""
    return set(re.findall(r"^(\w+)=$", EXAMPLE.read_text(), re.MULTILINE))


def _filled(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {key: _filled(value, values) for key, value in node.items()}
    if isinstance(node, list):
        return [_filled(value, values) for value in node]
    if isinstance(node, str):
        return VARIABLE.sub(lambda match: _value(match, values), node)
    return node


def _value(match: re.Match[str], values: Mapping[str, str]) -> str:
    given = values.get(match["name"])
    if given:
        return given
    if match["kind"] == ":?":
        raise VariableMissing(match["name"])
    return match["rest"] or ""
