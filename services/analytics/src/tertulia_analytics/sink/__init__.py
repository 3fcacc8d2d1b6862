"""From the stream into the warehouse, each event exactly once.

    read (position, last] → leave out what is stored already → write the intent → insert with the intent's token
                          → save the new position and empty the intent, in one statement

A batch is a contiguous range of stream sequences. Its intent, in PostgreSQL, names the range, what is left out of it,
and a token that is made of both the range and the ids of its rows. Whoever finds an intent forms the same rows again
and inserts them with the same token: ClickHouse drops what it has. If the same rows cannot be formed any more (the
stream lost them), the intent is void and the range is read like any other; what was inserted shows up as stored.

Only the holder of an advisory lock writes, and writes its intents over the connection that holds the lock: who lost the
lock can write none. What it had under way carries the token that its successor sends again.

The relay publishes an event twice when a stream came back shorter. A copy has the id *and the time* of the first, so
the question "which of these are stored" looks at a narrow range of the table, and is not asked at all when everything
in a batch is later than everything stored.
"""
