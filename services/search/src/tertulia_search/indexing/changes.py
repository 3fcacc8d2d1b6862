"""Events about messages and their channels, as changes of the index."""

from tertulia_search.engines.port import Change, ChannelTombstone, Document, Tombstone
from tertulia_shared.events import (
    ChannelDeleted,
    Envelope,
    Message,
    MessageCreated,
    MessageDeleted,
    MessageUpdated,
    decode,
)

ACTED_ON = frozenset(fact.type for fact in (MessageCreated, MessageUpdated, MessageDeleted, ChannelDeleted))
"""Every other event passes by undecoded."""


def change_of(envelope: Envelope) -> Change | None:
    """None for an event that changes nothing here. Raises `msgspec.DecodeError` for one that breaks its contract."""
    fact = decode(envelope)
    if isinstance(fact, ChannelDeleted):
        return ChannelTombstone(channel_id=fact.channel_id, version=envelope.ch_seq or 0)
    if not isinstance(fact, MessageCreated | MessageUpdated | MessageDeleted):
        return None
    version = fact.message.ch_seq if envelope.ch_seq is None else envelope.ch_seq
    return change_to(fact.message, version)


def change_to(message: Message, version: int) -> Change | None:
    """The message as it is after the change `version` of its channel; None for one that nobody wrote."""
    if message.system is not None:
        return None
    if message.deleted_at is not None:
        return Tombstone(message_id=message.id, version=version)
    return Document(
        message_id=message.id,
        version=version,
        workspace_id=message.workspace_id,
        channel_id=message.channel_id,
        author_id=message.author_id,
        ch_seq=message.ch_seq,
        created_at=message.created_at,
        text=message.text,
        thread_id=message.thread_id,
        edited_at=message.edited_at,
    )
