"""Who is told of which message, and why: one decision for each person and message.

Nothing of it happens while somebody writes. `consumer` follows the event stream in the api processes and `decide` makes
up for everything that happened in a channel since the last time, so that it does not matter what comes twice, late, in
another order or never. `rules` say who is told. Invariants:

* a change of a channel is decided once: `decided.seq` moves on in the transaction that stores the decisions;
* one process decides at a time, so the order of the ids is the order of the commits, and "read up to this one" holds;
* nobody is told of what they may not read at that moment.
"""
