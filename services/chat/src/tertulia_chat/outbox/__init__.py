"""The event log: a transactional outbox that is kept.

`record` appends an event in the transaction that causes it, so an event exists if and only if its cause was committed;
`redact` takes an erased text out of one. `tertulia_chat.relay` publishes the log to the stream.
"""

from tertulia_chat.outbox.record import NewEvent, columns_of, record, render
from tertulia_chat.outbox.redact import redact, redact_channel, redact_draft, redact_runs, redact_scheduled

__all__ = [
    "NewEvent",
    "columns_of",
    "record",
    "redact",
    "redact_channel",
    "redact_draft",
    "redact_runs",
    "redact_scheduled",
    "render",
]
