"""A model of what a client that comes back may see, and the service played against it.

A history is drawn: people write, join, leave, become guests, are banned, lose a session or the workspace; the stream
forgets its oldest messages, loses some, is repeated by the relay, gets another life; two replicas hear of it late and
start anew; clients break off anywhere and come back at either replica from any place they ever had, also while all of
that goes on. The model keeps every message and who belongs where, and reads all of it again for every question. It says
of every connection exactly what has to be sent, or for what reason there has to be a reset.

    standing    the messages, and who belongs where after some part of them
    streams     the stream, in memory and on a server
    chronicle   what people do, and what becomes of the stream
    clients     the devices and the places that they come back with
    replicas    one process of notify beside what the model knows of it
    verdicts    what must and what may be sent
    story       one history, step by step

It shares nothing with the service but the contracts: events, subjects, headers and sealed positions. The hub, the ring,
the resumer, the start and the reading of the stream are the real ones.
"""
