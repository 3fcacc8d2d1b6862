"""The event log and its relay (a transactional outbox that is kept).

`record` appends an event in the transaction that causes it, `redact` takes an erased text out of one, `relay` publishes
the log to the stream. Invariants:

* an event exists if and only if its cause was committed;
* events of one channel are published in the order of their `ch_seq`, and none is skipped, however late it commits;
* nothing is deleted from the log before it was published.
"""

from tertulia_chat.outbox.record import NewEvent, columns_of, record, render
from tertulia_chat.outbox.redact import redact, redact_draft, redact_runs, redact_scheduled

__all__ = ["NewEvent", "columns_of", "record", "redact", "redact_draft", "redact_runs", "redact_scheduled", "render"]
