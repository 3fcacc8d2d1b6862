"""The commands that there are. Everything about one stands in its entry: reading it, explaining it, completing it."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from tertulia_bot.commands.parser import Typed, word
from tertulia_bot.commands.schemas import Argument, Command
from tertulia_bot.errors import InvalidArgument, MissingArgument, UnknownCommand
from tertulia_bot.limits import CONTEXT_MESSAGES
from tertulia_bot.wish import Ask, Summarize, Translate, Wish

SUMMARIZED = 50
MAX_LANGUAGE = 40


@dataclass(frozen=True, slots=True)
class Entry:
    described: Command
    read: Callable[[str], Wish] | None
    """From the rest of the line to what shall be done; None for /help, which is answered at once."""


def _ask(rest: str) -> Wish:
    if not rest:
        raise MissingArgument("Write the question after /ask.")
    return Ask(question=rest)


def _summarize(rest: str) -> Wish:
    if not rest:
        return Summarize(count=SUMMARIZED)
    # `isdecimal` alone would let through digits of other scripts, and more of them than an int should read.
    if not (rest.isascii() and rest.isdecimal() and len(rest) <= len(str(CONTEXT_MESSAGES))):
        raise InvalidArgument(f"How many messages: a number from 1 to {CONTEXT_MESSAGES}.")
    count = int(rest)
    if not 1 <= count <= CONTEXT_MESSAGES:
        raise InvalidArgument(f"How many messages: a number from 1 to {CONTEXT_MESSAGES}.")
    return Summarize(count=count)


def _translate(rest: str) -> Wish:
    language, text = word(rest)
    if not language:
        raise MissingArgument("Name the language, for example /translate French.")
    if len(language) > MAX_LANGUAGE:
        raise InvalidArgument("This is too long for the name of a language.")
    return Translate(language=language, text=text)


ENTRIES = {
    entry.described.name: entry
    for entry in (
        Entry(
            Command(
                name="ask",
                usage="/ask <question>",
                description="Ask about this conversation and what else everybody here may read.",
                arguments=[Argument(name="question", required=True, hint="what you want to know")],
                examples=["/ask When is the release?", "/ask What did Ana decide about the logo?"],
            ),
            _ask,
        ),
        Entry(
            Command(
                name="summarize",
                usage="/summarize [n]",
                description="Sum up the newest messages of the channel or the thread.",
                arguments=[Argument(name="n", required=False, hint=f"how many messages, 1 to {CONTEXT_MESSAGES} (50)")],
                examples=["/summarize", "/summarize 20"],
            ),
            _summarize,
        ),
        Entry(
            Command(
                name="translate",
                usage="/translate <language> [text]",
                description="Translate a text, or the newest message when no text is given.",
                arguments=[
                    Argument(name="language", required=True, hint='for example French or "Brazilian Portuguese"'),
                    Argument(name="text", required=False, hint="what to translate; else the newest message"),
                ],
                examples=["/translate French Good morning", "/translate German"],
            ),
            _translate,
        ),
        Entry(
            Command(
                name="help",
                usage="/help [command]",
                description="Show what the bot can do. Only you see the answer.",
                arguments=[Argument(name="command", required=False, hint="the command to explain")],
                examples=["/help", "/help translate"],
            ),
            None,
        ),
    )
}


def entry(name: str) -> Entry:
    """Raises UnknownCommand, with the nearest name there is."""
    known = ENTRIES.get(name)
    if known is not None:
        return known
    near = difflib.get_close_matches(name[:MAX_LANGUAGE], ENTRIES, n=1, cutoff=0.5)
    hint = f" Did you mean /{near[0]}?" if near else " /help shows what there is."
    raise UnknownCommand(f"There is no command /{name[:MAX_LANGUAGE]}.{hint}")


def read(typed: Typed) -> Wish | str:
    """What shall be done; for /help the answer's text. Raises UnknownCommand, MissingArgument or InvalidArgument."""
    found = entry(typed.name)
    return help_text(typed.rest) if found.read is None else found.read(typed.rest)


def help_text(about: str) -> str:
    """Markdown. Raises UnknownCommand."""
    if about:
        return _explained(entry(about.removeprefix("/").lower()).described)
    lines = [f"- `{known.described.usage}`: {known.described.description}" for known in ENTRIES.values()]
    end = "Mention `@bot` in a channel, or write to it directly, to ask without a command."
    return "\n".join([*lines, "", end])


def _explained(command: Command) -> str:
    arguments = [
        f"- `{argument.name}`{'' if argument.required else ' (optional)'}: {argument.hint}"
        for argument in command.arguments
    ]
    examples = [f"- `{example}`" for example in command.examples]
    return "\n".join([f"`{command.usage}`", command.description, "", *arguments, "", "Examples:", *examples])
