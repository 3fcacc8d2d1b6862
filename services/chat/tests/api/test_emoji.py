"""Which strings are one emoji, and how it is written."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tertulia_chat.emoji import checked_emoji
from tertulia_shared.problems import ValidationFailed

# Fully qualified, one of each form that Unicode has, and the longest.
EMOJI = [
    *("👍", "😀", "🫠", "⌚", "✅", "➕", "🀄", "🆑", "🈚", "🏴", "🫩", "🫪"),
    *("❤️", "☺️", "✌️", "©️", "™️", "ℹ️", "‼️", "〰️", "㊗️", "Ⓜ️", "🅰️", "🌶️", "🕵️", "🏳️", "▶️"),
    *("👍🏿", "☝🏻", "✌🏽", "🕵🏾", "⛹🏼", "🤌🏼", "🫱🏻"),
    *("👨‍👩‍👧‍👦", "👩‍💻", "👩🏽‍💻", "🏳️‍🌈", "🏳️‍⚧️", "🏴‍☠️", "👁️‍🗨️", "❤️‍🔥"),
    *("🐻‍❄️", "🕵️‍♀️", "🕵🏿‍♂️", "🧑🏿‍🦽‍➡️", "👨🏻‍❤️‍💋‍👨🏻", "⛓️‍💥"),
    *("🇩🇪", "🇺🇳", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏴󠁧󠁢󠁷󠁬󠁳󠁿"),
    *("#️⃣", "*️⃣", "0️⃣", "9️⃣"),
]
NONE = [
    *("", " ", "a", "ß", "中", ":thumbsup:", "party_parrot", "0", "#", "*", "10"),
    *("★", "☙", "→", "…", "\0", "\n", "👍\n"),
    *("👍👍", "👍 ", " 👍", "👍a", "a👍", "❤️❤️", "🇩🇪🇫🇷", "1️⃣2️⃣", "👍,👎"),
    *("🏿", "🚗🏿", "👍🏿🏿", "🏿👍", "👍⃣", "a⃣", "⃣"),
    *("🇩", "🇩🇪🇫", "🇩👍", "🇩\u200d🇪"),
    *("\u200d", "\ufe0f", "👍\u200d", "\u200d👍", "👍\u200d\u200d👍", "👩‍👩‍👧‍👦‍👦", "👍\u200da", "👍\u200b"),
    *("🏴\U000e0067\U000e007f", "🏴\U000e0067\U000e0062\U000e0065", "👍\U000e0067\U000e0062\U000e0065\U000e007f"),
    *("👍" * 33, "❤" + "\ufe0f" * 32, "❤\u0301", "\ud83d"),
]
PIECES = [*"".join(EMOJI), "\ufe0e", "a", "7", "\u0301"]


def bare(text):
    return text.replace("\ufe0f", "").replace("\ufe0e", "")


def accepted(text):
    with suppress(ValidationFailed):
        return checked_emoji(text)
    return None


@pytest.mark.parametrize("emoji", EMOJI)
def test_an_emoji_is_stored_fully_qualified_however_it_was_written(emoji):
    written = [emoji, bare(emoji), emoji.replace("\ufe0f", "\ufe0e"), "".join(f"{one}\ufe0f" for one in bare(emoji))]
    assert [accepted(one) for one in written] == [emoji] * 4


@pytest.mark.parametrize("text", NONE)
def test_what_is_not_exactly_one_emoji_is_refused(text):
    assert accepted(text) is None


@given(first=st.sampled_from(EMOJI), second=st.sampled_from(EMOJI))
def test_two_emoji_are_not_one(first, second):
    assert accepted(first + second) is None


def strange(data):
    """Short strings out of random bytes: any characters, and pieces of emoji."""
    for start in range(0, len(data), 6):
        part = data[start : start + 1 + data[start] % 6]
        yield part.decode("utf-16-le", "replace")
        yield "".join(PIECES[byte % len(PIECES)] for byte in part)


@given(data=st.binary(min_size=300, max_size=300))
@settings(max_examples=100, deadline=None)
def test_whatever_comes_is_refused_or_written_in_one_way(data):
    """Ten thousand of them."""
    for text in strange(data):
        emoji = accepted(text)
        if emoji is not None:
            assert bare(emoji) == bare(text)
            assert accepted(emoji) == accepted(bare(text)) == emoji
            assert not any(one.isspace() or one.isalpha() for one in emoji if one != "ℹ")
