"""The consumer: `@bot …` in a channel, and every message in a direct conversation with the bot, is a question.

What is forwarded into a channel speaks to nobody there; forwarded to the bot itself it is a question like any other.
An event that comes twice finds the run it made. Messages that are older than ten minutes when they arrive, because the
bot was away, are left alone: nobody waits for an answer any more.
"""

import re
from datetime import UTC, datetime

import msgspec

from tertulia_bot.access import Access
from tertulia_bot.limits import MAX_MESSAGE_AGE_S
from tertulia_bot.runs.reception import Asked, Reception, run_id_for
from tertulia_bot.wish import Ask
from tertulia_shared.bus import Delivery, Reject, Retry
from tertulia_shared.events import BOT_USER_ID, Envelope, Message, MessageCreated, decode, decode_envelope
from tertulia_shared.problems import DependencyUnavailable
from tertulia_shared.telemetry import logger

log = logger(__name__)

CONSUMER = "bot"

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)
_MENTION = re.compile(r"(?<![\w@./-])@bot(?![\w-]|\.\w)", re.IGNORECASE)

_AROUND = " ,:\n\t"
BARE = "@bot"
"""Nothing but the name: the conversation itself is the question."""


def mentioned(text: str) -> bool:
    """`@bot` as a word of its own, outside of code."""
    return _MENTION.search(_CODE.sub(" ", text)) is not None


def question(text: str) -> str:
    """What is asked, without the bot's name at the beginning or end; the text itself when nothing else was said."""
    text = text.strip()
    first = _MENTION.match(text)
    if first is not None:
        text = text[first.end() :].strip(_AROUND)
    places = list(_MENTION.finditer(text))
    if places and places[-1].end() == len(text):
        text = text[: places[-1].start()].strip(_AROUND)
    return text or BARE


class Mentions:
    def __init__(self, reception: Reception, access: Access) -> None:
        self._reception = reception
        self._access = access

    async def handle(self, delivery: Delivery) -> None:
        if delivery.event_type != MessageCreated.type:
            return
        envelope, message = _decoded(delivery.data)
        if message is None or message.author_id == BOT_USER_ID or message.ai is not None:
            return
        if message.system is not None:
            # A topic may name the bot, and a pin be set in a conversation with it: nobody speaks to it by that.
            return
        if message.deleted_at is not None or not message.text.strip():
            # Deleted or changed before the event got here: its words are no longer to be answered.
            return
        if (datetime.now(UTC) - envelope.time).total_seconds() > MAX_MESSAGE_AGE_S:
            return
        spoken_to = message.forwarded is None and mentioned(message.text)
        if not (spoken_to or await self._access.talks_with_the_bot(message.channel_id)):
            return
        asked = Asked(
            workspace_id=message.workspace_id,
            channel_id=message.channel_id,
            asker_id=message.author_id,
            wish=Ask(question=question(message.text)),
            prompt=message.text,
            thread_id=message.thread_id,
            trigger_message_id=message.id,
        )
        try:
            await self._reception.mention(asked, run_id_for("event", envelope.id))
        except DependencyUnavailable as error:
            raise Retry(str(error), delay_s=2) from error


def _decoded(data: bytes) -> tuple[Envelope, Message | None]:
    """Raises Reject for what can never be handled."""
    try:
        envelope = decode_envelope(data)
        fact = decode(envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Reject(f"not an event: {error}") from error
    return envelope, fact.message if isinstance(fact, MessageCreated) else None
