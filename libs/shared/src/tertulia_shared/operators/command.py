"""The words of `dlq` and `replay`, for every service and for the whole installation."""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Coroutine, Sequence

import structlog

from tertulia_shared.operators import dead_letters, replay
from tertulia_shared.operators.connect import OperatorSettings
from tertulia_shared.operators.dead_letters import Install
from tertulia_shared.operators.errors import OperatorError, WrongWords, tell
from tertulia_shared.settings import load

COMMANDS = ("dlq", "replay")
INTERRUPTED = 130
NOBODY_READS = 141
"""As a shell tells of SIGPIPE."""


def service_main(service: str, words: Sequence[str]) -> int:
    """Of one service, whose settings are in the environment."""
    settings = load(OperatorSettings)
    install = Install(
        postgres_urls={service: settings.postgres_url.get_secret_value()},
        nats_url=settings.nats_url.get_secret_value(),
        nats_prefix=settings.nats_prefix,
    )
    return main(f"python -m tertulia_{service}", install, words)


def main(program: str, install: Install, words: Sequence[str]) -> int:
    """The exit status; what the statuses mean stands in `errors`."""
    given = parsed(program, words)
    return finish(perform(install, given), as_json=given.json)


def finish(work: Coroutine[object, object, int], *, as_json: bool) -> int:
    """Run it to its exit status, whatever happens."""
    # What the bus has to say of its connection is for services; a command says itself what is wrong.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        return asyncio.run(completed(work, as_json=as_json))
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever reads has seen enough (`| head`); what is still buffered must not be written at the end either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS


async def completed(work: Coroutine[object, object, int], *, as_json: bool) -> int:
    """What stops it is told, and becomes its exit status."""
    try:
        return await work
    except OperatorError as error:
        return tell(error, as_json=as_json)


def parsed(program: str, words: Sequence[str]) -> argparse.Namespace:
    """Ends the process with status 2, and a word of help, when they make no sense."""
    return _parser(program).parse_args(words)


async def perform(install: Install, given: argparse.Namespace) -> int:
    """Raises OperatorError."""
    if given.command == "replay":
        end = None if given.to is None else replay.place(given.to)
        return await replay.run(install, given.consumer, replay.place(given.begin), end, as_json=given.json)
    match given.action:
        case "list":
            return await dead_letters.show_list(install, given.consumer, given.limit, as_json=given.json)
        case "show":
            return await dead_letters.show(install, given.letter, as_json=given.json)
        case _:
            if given.all == bool(given.letters):
                raise WrongWords("bad_arguments", "Name letters, or say --all.", "E.g. dlq retry search:12")
            return await dead_letters.retry(install, given.letters, given.consumer, every=given.all, as_json=given.json)


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_dlq(commands.add_parser("dlq", help="deliveries that were given up"))
    again = commands.add_parser("replay", help="have a consumer handle a range of the stream again")
    again.add_argument("--consumer", required=True, help="search, bot, analytics, notifications")
    again.add_argument("--from", dest="begin", required=True, metavar="SEQ|TIME", help="the first")
    again.add_argument("--to", metavar="SEQ|TIME", help="a number: the last; a time: up to it. Default: the end now")
    _add_json(again)
    return parser


def _add_dlq(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    listing = actions.add_parser("list", help="what there is, newest first")
    listing.add_argument("--consumer", help="of one consumer only")
    listing.add_argument("--limit", type=_limit, default=50)
    showing = actions.add_parser("show", help="one letter with its error and body, which may hold what people wrote")
    showing.add_argument("letter", metavar="CONSUMER:NUMBER")
    retrying = actions.add_parser("retry", help="handle letters again; those that succeed are gone")
    retrying.add_argument("letters", nargs="*", metavar="CONSUMER:NUMBER")
    retrying.add_argument("--all", action="store_true", help="every letter, the oldest first")
    retrying.add_argument("--consumer", help="with --all: of one consumer only")
    for action in (listing, showing, retrying):
        _add_json(action)


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def _limit(text: str) -> int:
    number = int(text)
    if not 1 <= number <= dead_letters.ALL_AT_MOST:
        raise argparse.ArgumentTypeError(f"between 1 and {dead_letters.ALL_AT_MOST}")
    return number
