"""The demo team: ten people of a small company that sells ferry tickets, and their six channels."""

from dataclasses import dataclass

WORKSPACE = "Skerry Ferries"
SLUG = "skerry-ferries"
PASSWORD = "tertulia-demo"  # noqa: S105 - public on purpose; `load` sets it on the loopback only


@dataclass(frozen=True, kw_only=True)
class Person:
    """`talks` weighs how much of each channel is this person's; a channel that is missing is one they are not in."""

    username: str
    name: str
    talks: dict[str, int]

    @property
    def email(self) -> str:
        return f"{self.username}@skerry.example.org"


@dataclass(frozen=True, kw_only=True)
class DemoChannel:
    name: str
    topic: str
    private: bool = False


CHANNELS = (
    DemoChannel(name="general", topic="For everyone: news, meetings, where is the label printer"),
    DemoChannel(name="engineering", topic="Code, reviews, incidents. Decisions go to docs.example.org"),
    DemoChannel(name="design", topic="Screens and words. Be kind, be specific"),
    DemoChannel(name="support", topic="What travellers ask, and what the sea does"),
    DemoChannel(name="autumn-release", topic="From Monday you change your trip yourself", private=True),
    DemoChannel(name="random", topic="Quiz, soup, seals"),
)

PEOPLE = (
    Person(
        username="mira",
        name="Mira Okafor",
        talks={"general": 6, "autumn-release": 8, "design": 3, "engineering": 1, "support": 1, "random": 2},
    ),
    Person(
        username="jonas",
        name="Jonas Lindqvist",
        talks={"engineering": 9, "general": 2, "random": 4, "autumn-release": 2},
    ),
    Person(
        username="priya",
        name="Priya Raman",
        talks={"engineering": 8, "design": 5, "general": 2, "random": 3, "autumn-release": 3},
    ),
    Person(username="tomas", name="Tomás Álvarez", talks={"design": 9, "general": 2, "random": 4, "autumn-release": 2}),
    Person(username="aiko", name="Aiko Tanaka", talks={"engineering": 5, "general": 2, "random": 5}),
    Person(
        username="sam",
        name="Sam Whitfield",
        talks={"support": 9, "general": 4, "random": 3, "autumn-release": 2},
    ),
    Person(username="leila", name="Leila Haddad", talks={"support": 5, "engineering": 4, "general": 3, "random": 4}),
    Person(
        username="bruno",
        name="Bruno Costa",
        talks={"engineering": 6, "general": 2, "random": 6, "support": 1, "autumn-release": 1},
    ),
    Person(
        username="greta",
        name="Greta Hoffmann",
        talks={"general": 5, "design": 3, "autumn-release": 6, "support": 2, "random": 3},
    ),
    Person(
        username="noor",
        name="Noor Bakshi",
        talks={"design": 5, "support": 5, "engineering": 2, "general": 2, "random": 4},
    ),
)
OWNER = PEOPLE[0]


def members(channel: str) -> list[Person]:
    """Who is in a channel."""
    return [person for person in PEOPLE if channel in person.talks]
