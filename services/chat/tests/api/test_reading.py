"""What a text names, against a small model of it; and that no text takes long or too much."""

import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tertulia_chat.messages.code import without_code
from tertulia_chat.messages.reading import MOST, NOTHING, Place, Reading, read
from tertulia_shared.events import Audience

A, B = uuid.UUID(int=0xA), uuid.UUID(int=0xB)
PATH = f"/w/acme/c/{A}/m/{B}"
HERE = Place("acme", A, B)


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("<@{A}>", [A]),
        ("hi @ann", ["ann"]),
        ("@Ann, @bob.b! (@c_d) *@e-f* @ann", ["ann", "bob.b", "c_d", "e-f"]),
        ("ask @ann. Or @bob...", ["ann", "bob"]),
        ("@ann's", ["ann"]),
        ("<@{A}><@{B}> <@{A}>", [A, B]),
        ("<@ann>", ["ann"]),
        ("ann@example.org, a/@ann, .@ann, x@ann, @@ann, \\@ann, -@ann", []),
        ("@a @-ab @é @annéx @" + "x" * 33, []),
        ("<@nobody-at-all> <@{A}", ["nobody-at-all"]),
        ("https://example.org/@ann", []),
        ("`@ann` ``x ` @ann`` @bob", ["bob"]),
        ("```\n@ann\n```\n@bob", ["bob"]),
        ("```@ann``` @bob", ["bob"]),
        ("~~~ text\n@ann\n```\n@ann\n~~~~\n@bob", ["bob"]),
        ("````\n@ann\n```\n@ann", []),
        ("> ```\n> @ann\n> ```\n@bob", ["bob"]),
        ("one ` @ann\n\n@bob ` two", ["ann", "bob"]),
        ("\\`@ann\\` @bob", ["ann", "bob"]),
        ("`` @ann ` @bob", ["ann", "bob"]),
    ],
)
def test_people(text, people):
    assert read(text.replace("{A}", str(A)).replace("{B}", str(B))).people == tuple(people)


@pytest.mark.parametrize(
    ("text", "audience"),
    [
        ("@channel", Audience.CHANNEL),
        ("@Here: lunch", Audience.HERE),
        ("@here and @channel", Audience.CHANNEL),
        ("@channels, x@here, `@here`", None),
    ],
)
def test_the_audience(text, audience):
    assert read(text).audience == audience


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        ("<#{A}> #general, (#дом-2)", [A, "general", "дом-2"]),
        ("#Plans. #plans", ["plans"]),
        ("# Title\n## x\nC#sharp page#anchor &#39; ##x `#y` \\#z #_a", []),
        ("#" + "x" * 65, []),
        ("https://example.org/#top", []),
    ],
)
def test_channels(text, channels):
    assert read(text.replace("{A}", str(A))).channels == tuple(channels)


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see https://example.org.", ["https://example.org"]),
        ("HTTP://EXAMPLE.org/a?b=c#d and https://x.y", ["HTTP://EXAMPLE.org/a?b=c#d", "https://x.y"]),
        ("(https://e.f/a_(b)) [x](https://a.b)[y](https://c.d)!", ["https://e.f/a_(b)", "https://a.b", "https://c.d"]),
        ('<https://a.b> "https://c.d" **https://e.f**', ["https://a.b", "https://c.d", "https://e.f"]),
        ("https://a.b https://a.b", ["https://a.b"]),
        ("https:// https:/// http://? xhttps://a.b ftp://a.b `https://a.b`", []),
        ("https://a.b/" + "x" * 2_000, []),
        ("https://[::1]/a]", ["https://[::1]/a"]),
    ],
)
def test_links(text, links):
    assert read(text).links == tuple(links)


@pytest.mark.parametrize(
    "text", [PATH, f"[[{PATH}]]", f"({PATH}).", f"{PATH}?x=1", f"/w/ACME/c/{str(A).upper()}/m/{str(B).upper()}"]
)
def test_a_permanent_link_on_this_site(text):
    assert read(text) == Reading(messages=(HERE,))


@pytest.mark.parametrize("text", ["https://chat.example.org" + PATH, f"[[http://127.0.0.1:8000{PATH}]]"])
def test_a_permanent_link_with_its_host_is_a_link_too(text):
    assert read(text) == Reading(messages=(HERE,), links=(text.strip("[]"),))


@pytest.mark.parametrize(
    "text", [f"x{PATH}", f"/a{PATH}", f"{PATH}0", f"`{PATH}`", PATH[:-1], PATH.replace("/m/", "/n/")]
)
def test_no_permanent_link(text):
    assert read(text).messages == ()


# Words of a text, each with what it is read as.
WORDS = st.one_of(
    st.sampled_from(
        ["hello", "a@b.c", "a/@b", "1,000", "#", "@", "<@>", "`@code`", "`#code https://a.b`", "\n", "é"]
    ).map(lambda word: ("nothing", word, None)),
    st.sampled_from(["ann", "bob.b", "c_d-e"]).map(lambda name: ("people", f"@{name}", name)),
    st.uuids().map(lambda one: ("people", f"<@{one}>", one)),
    st.sampled_from(["plans", "дом-2"]).map(lambda name: ("channels", f"#{name}", name)),
    st.uuids().map(lambda one: ("channels", f"<#{one}>", one)),
    st.sampled_from(["http://a.b", "https://c.d/e?f=(g)#h"]).map(lambda link: ("links", link, link)),
    st.uuids().map(lambda one: ("messages", f"[[/w/acme/c/{A}/m/{one}]]", Place("acme", A, one))),
    st.sampled_from(list(Audience)).map(lambda one: ("audience", f"@{one}", one)),
)


@given(
    words=st.lists(WORDS, max_size=20), ends=st.lists(st.sampled_from([" ", "\n", ", ", "! ", " (", ") "]), min_size=20)
)
def test_each_word_is_read_as_what_it_is_in_its_order(words, ends):
    text = "".join(word + end for (_, word, _), end in zip(words, ends, strict=False))
    reading = read(text)
    for kind in ("people", "channels", "links", "messages"):
        assert getattr(reading, kind) == tuple(dict.fromkeys(value for one, _, value in words if one == kind))
    audiences = {value for one, _, value in words if one == "audience"}
    assert reading.audience == next((one for one in Audience if one in audiences), None)


@given(text=st.text(st.sampled_from("@#<>`~\\/[]()ab.-:\n w"), max_size=80))
@example(text="`\\``@ann`")
def test_of_any_text_in_code_nothing_is_read(text):
    longest = max((len(run) for run in text.split("\n")), default=0) + 3
    for fence in ("`" * longest, "~" * longest):
        assert read(f"{fence}\n{text}\n{fence}") == NOTHING
    assert len(without_code(text)) <= len(text)


PARTS = ["@", "#", "http://", "/w/a/c/", "`", "```\n", "(", "]", "\\", "\n\n", "é", "ab", str(A)]


@given(text=st.lists(st.sampled_from(PARTS), max_size=60).map("".join))
def test_any_text_is_read(text):
    reading = read(text)
    for found in (reading.people, reading.channels, reading.messages, reading.links):
        assert len(found) == len(set(found)) <= MOST


def test_of_each_kind_there_are_not_too_many():
    numbers = range(MOST + 5)
    text = " ".join(f"@ann{n} #c{n} http://a.b/{n} /w/a/c/{A}/m/{uuid.UUID(int=n)}" for n in numbers)
    reading = read(text)
    for found in (reading.people, reading.channels, reading.links, reading.messages):
        assert len(found) == MOST


LONG = 16_000
UNKIND = [
    "@",
    "#",
    "`",
    "``` ",
    "`a``b```c",
    "<@",
    "@a.",
    "#a-",
    "http://",
    "https://a)",
    "http://a.b((",
    "/w/",
    "[[",
    "\\",
    "~",
]


@pytest.mark.parametrize(
    "part", [*UNKIND, "@" + "a" * 40, "\n ", "`\n\n", "> ", "https://a!!!!!!!!", f"/w/{'a' * 40}/c/"]
)
def test_a_long_text_of_anything_is_read_at_once(part):
    """A pattern that tries again and again would take minutes here."""
    read((part * LONG)[:LONG] + " http://the.end")


def test_backticks_in_runs_of_every_length_are_read_at_once():
    runs = " ".join("`" * length for length in range(1, 178))
    assert read(f"{runs}\n\n@ann").people == ("ann",)
