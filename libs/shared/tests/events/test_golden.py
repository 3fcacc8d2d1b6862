"""Events that were ever written decode for ever: one golden file per type and version."""

import json
from pathlib import Path

import msgspec
import pytest

from tertulia_shared.events import FACTS, decode, decode_envelope, encode

GOLDEN = Path(__file__).parent.parent / "golden"
FILES = sorted(GOLDEN.glob("*.json"))


def test_every_event_type_has_a_golden_file():
    assert {path.stem for path in FILES} == {f"{name}.v{version}" for name, version in FACTS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_golden_event_decodes_to_its_fact(path: Path):
    envelope = decode_envelope(path.read_bytes())

    fact = decode(envelope)

    assert type(fact) is FACTS[(envelope.type, envelope.v)]
    assert path.stem == f"{envelope.type}.v{envelope.v}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_decoding_and_encoding_keeps_everything_that_was_said(path: Path):
    """Fields added since may appear with their defaults; nothing that was there may change."""
    written = json.loads(path.read_text())

    envelope = decode_envelope(path.read_bytes())
    again = json.loads(encode(msgspec.structs.replace(envelope, data=msgspec.Raw(encode(decode(envelope))))))

    assert _contains(again, written)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_fields_of_a_later_release_are_ignored(path: Path):
    later = json.loads(path.read_text())
    later["added_to_the_envelope"] = 1
    later["data"]["added_to_the_fact"] = {"deep": True}

    assert decode(decode_envelope(json.dumps(later))) is not None


def test_an_unknown_type_is_not_an_error():
    envelope = decode_envelope(FILES[0].read_bytes())

    assert decode(msgspec.structs.replace(envelope, type="poll.closed")) is None
    assert decode(msgspec.structs.replace(envelope, v=999)) is None


def test_a_known_type_with_wrong_data_is_an_error():
    envelope = decode_envelope((GOLDEN / "message.created.v1.json").read_bytes())
    broken = msgspec.structs.replace(envelope, data=msgspec.Raw(b'{"message": 7}'))

    with pytest.raises(msgspec.DecodeError):
        decode(broken)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_encoded_fact_is_one_line(path: Path):
    """It goes into a `data:` line of server-sent events as it is."""
    assert b"\n" not in encode(decode(decode_envelope(path.read_bytes())))


def _contains(later: object, earlier: object) -> bool:
    if isinstance(earlier, dict) and isinstance(later, dict):
        return all(key in later and _contains(later[key], value) for key, value in earlier.items())
    if isinstance(earlier, list) and isinstance(later, list):
        return len(later) == len(earlier) and all(map(_contains, later, earlier))
    return later == earlier
