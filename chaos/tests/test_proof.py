"""The proof is worth as much as what it finds: each test spoils one thing."""

import pytest

from tertulia_chaos.proof import Findings, Record, Said, prove

MEMBERS = {"room": {"ada", "ben"}, "elsewhere": {"zoe"}}
TALK = [Said("room", seq, f"m{seq}", f"text {seq}") for seq in range(3, 8)]


def heard(person: str, *seqs: int) -> Record:
    """What somebody saw of the talk, in this order."""
    record = Record(person)
    for seq in seqs:
        record.note("room", seq)
        record.hear(TALK[seq - 3])
    return record


def proven(*records: Record, acknowledged: list[Said] = TALK, stored: list[Said] = TALK) -> Findings:
    return prove(acknowledged, {"room": stored}, records, MEMBERS)


def test_all_is_well():
    findings = proven(heard("ada", 3, 4, 5, 6, 7), heard("ben", 3, 4, 5, 6, 7), Record("zoe"))

    assert findings.ok
    assert (findings.acknowledged, findings.stored, findings.seen) == (5, 5, 10)


def test_a_message_stored_without_an_acknowledgement_has_to_arrive_all_the_same():
    findings = proven(heard("ada", 3, 4, 5, 6), acknowledged=TALK[:4])

    assert findings.lost == 1


@pytest.mark.parametrize("seqs", [(4, 5, 6, 7), (3, 4, 6, 7), (3, 4, 5, 6), ()], ids=["first", "middle", "last", "all"])
def test_a_message_that_somebody_missed_is_lost(seqs: tuple[int, ...]):
    findings = proven(heard("ada", *seqs), heard("ben", 3, 4, 5, 6, 7))

    assert not findings.ok
    assert findings.lost == 5 - len(seqs)


def test_a_message_that_is_not_stored_is_lost():
    findings = proven(heard("ada", 3, 4, 5, 6), stored=TALK[:4])

    assert findings.lost == 1
    assert "acknowledged and not stored" in findings.complaints[0]


def test_a_second_copy_is_found():
    findings = proven(heard("ada", 3, 4, 4, 5, 6, 7))

    assert findings.doubled == 1


def test_one_text_under_two_ids_is_found():
    again = Said("room", 8, "m8", TALK[0].text)

    findings = proven(stored=[*TALK, again])

    assert findings.doubled == 1


def test_another_order_is_found():
    findings = proven(heard("ada", 3, 5, 4, 6, 7))

    assert findings.reordered == 1
    assert findings.lost == 0


def test_other_contents_are_found_on_the_way_in_and_on_the_way_out():
    changed = [*TALK[:4], TALK[4]._replace(text="something else")]

    assert proven(heard("ada", 3, 4, 5, 6, 7), stored=changed).altered == 2


def test_what_an_outsider_hears_is_leaked():
    findings = proven(heard("zoe", 3))

    assert findings.leaked == 1
    assert "zoe" in findings.complaints[0]


def test_an_event_that_is_no_message_is_missed_too():
    talk = [*TALK[:2], *TALK[3:]]

    findings = proven(heard("ada", 3, 4, 6, 7), acknowledged=talk, stored=talk)

    assert findings.lost == 1
    assert "no messages" in findings.complaints[0]


def test_events_that_are_no_messages_leak_and_fall_too():
    outsider, member = Record("zoe"), heard("ada", 3, 4, 5, 6, 7)
    outsider.note("room", 9)
    member.note("room", 2)

    findings = proven(outsider, member)

    assert (findings.leaked, findings.reordered) == (1, 1)
