"""`python -m tertulia_chat relay status | rewind`: the words."""

import argparse
from collections.abc import Coroutine, Sequence

from tertulia_chat.relay import set_back, status
from tertulia_shared.operators.command import finish
from tertulia_shared.operators.connect import OperatorSettings
from tertulia_shared.settings import load


def main(words: Sequence[str]) -> int:
    """The exit status; see `tertulia_shared.operators.errors`."""
    given = parsed(words)
    return finish(perform(load(OperatorSettings), given), as_json=given.json)


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """Ends the process with status 2, and a word of help, when they make no sense."""
    parser = argparse.ArgumentParser(prog="relay")
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("status", help="who publishes which shard, how far it is, and what waits")
    rewind = actions.add_parser("rewind", help="publish the log again from a place on")
    rewind.add_argument("--to", required=True, metavar="LOG ID|EVENT ID|TIME", help="the first event to publish again")
    rewind.add_argument("--dry-run", action="store_true", help="say what it would do")
    rewind.add_argument("--yes", "-y", action="store_true", help="do not ask")
    for action in actions.choices.values():
        action.add_argument("--json", action="store_true", help="one line of JSON")
    return parser.parse_args(words)


def perform(settings: OperatorSettings, given: argparse.Namespace) -> Coroutine[object, object, int]:
    postgres_url = settings.postgres_url.get_secret_value()
    if given.action == "status":
        return status.show(postgres_url, settings.nats_url.get_secret_value(), settings.nats_prefix, as_json=given.json)
    return set_back.run(postgres_url, given.to, dry_run=given.dry_run, yes=given.yes, as_json=given.json)
