"""From a typed line to what shall be done."""

import pytest

from tertulia_bot.commands import parser, registry
from tertulia_bot.commands.parser import Typed
from tertulia_bot.errors import InvalidArgument, MissingArgument, UnknownCommand
from tertulia_bot.wish import Ask, Summarize, Translate, command_of, decode_wish, encode_wish


@pytest.mark.parametrize(
    ("text", "typed"),
    [
        ("/ask When?", Typed("ask", "When?")),
        ("  /ASK  one\n\ntwo  ", Typed("ask", "one\n\ntwo")),
        ("/help", Typed("help", "")),
        ("/ask\nnext line", Typed("ask", "next line")),
        ("//not a command", None),
        ("/ spaced", None),
        ("no slash", None),
        ("/", None),
    ],
)
def test_what_is_a_command(text, typed):
    assert parser.parse(text) == typed


@pytest.mark.parametrize(
    ("rest", "word"),
    [
        ("French Good morning", ("French", "Good morning")),
        ('"Brazilian Portuguese" Good\nmorning', ("Brazilian Portuguese", "Good\nmorning")),
        ("“Old Norse”", ("Old Norse", "")),
        ("'open French", ("'open", "French")),
        ("", ("", "")),
    ],
)
def test_the_first_word_may_be_quoted(rest, word):
    assert parser.word(rest) == word


@pytest.mark.parametrize(
    ("line", "wish"),
    [
        ("/ask When is it?", Ask(question="When is it?")),
        ("/summarize", Summarize(count=50)),
        ("/summarize 7", Summarize(count=7)),
        ("/translate German", Translate(language="German", text="")),
        ('/translate "Old Norse" Hello there', Translate(language="Old Norse", text="Hello there")),
    ],
)
def test_commands_are_understood_and_survive_being_kept(line, wish):
    typed = parser.parse(line)
    assert typed is not None
    assert registry.read(typed) == wish
    assert decode_wish(encode_wish(wish)) == wish
    assert command_of(wish) == typed.name


@pytest.mark.parametrize(
    ("line", "error", "words"),
    [
        ("/sumarize", UnknownCommand, "Did you mean /summarize?"),
        ("/qqq", UnknownCommand, "/help shows"),
        ("/" + "x" * 500, UnknownCommand, "no command"),
        ("/ask", MissingArgument, "question"),
        ("/translate", MissingArgument, "language"),
        ("/translate " + "x" * 41, InvalidArgument, "language"),
        ("/summarize many", InvalidArgument, "1 to 200"),
        ("/summarize 0", InvalidArgument, "1 to 200"),
        ("/summarize 201", InvalidArgument, "1 to 200"),
        ("/summarize ²", InvalidArgument, "1 to 200"),
        ("/summarize " + "9" * 5000, InvalidArgument, "1 to 200"),
        ("/help nobody", UnknownCommand, "no command"),
    ],
)
def test_what_cannot_be_done_says_why(line, error, words):
    typed = parser.parse(line)
    assert typed is not None
    with pytest.raises(error) as refused:
        registry.read(typed)
    assert words in refused.value.detail
    assert len(refused.value.detail) < 200


def test_help_names_every_command():
    overview = registry.read(Typed("help", ""))
    assert isinstance(overview, str)
    for name, entry in registry.ENTRIES.items():
        assert entry.described.usage in overview
        explained = registry.read(Typed("help", f"/{name}"))
        assert isinstance(explained, str)
        assert all(example in explained for example in entry.described.examples)
        assert all(argument.hint in explained for argument in entry.described.arguments)
        for example in entry.described.examples:
            typed = parser.parse(example)
            assert typed is not None
            registry.read(typed)
