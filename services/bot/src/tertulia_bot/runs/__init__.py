"""One AI answer, from the wish to the message.

    queued ─► running ─► finishing ─► done | stopped | failed

The state lies in PostgreSQL. Whoever works on a run holds its lease (`owner`, `lease_until`) and renews it every third
of its time; a run whose lease has run out is claimed by any process and **begun again** with a higher `attempt`, so a
`kill -9` costs time, not the answer. `finishing` holds the finished outcome until chat has it: from then on nothing is
generated again. chat takes the first outcome of a run and answers every other with it, which is what makes the message
at the end exactly one.
"""
