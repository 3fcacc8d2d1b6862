"""HTTP/1.1 on asyncio protocols, for passing messages through and for nothing else.

`front` speaks with clients, `upstream` with services, `exchange` carries one request from one to the other. There is
no task per request: bytes move in the callbacks that bring them, which is what keeps a pass at some 30 µs of processor
time. `front` imports `exchange` imports `upstream`; the rules (routes, tokens, limits) come in through `exchange`.

Invariants: a message is parsed strictly and written anew, never copied as raw bytes, so that two readers cannot
disagree about where it ends; nothing is buffered beyond one write buffer on each side; when one side goes away, the
other side's connection is ended at once.
"""
