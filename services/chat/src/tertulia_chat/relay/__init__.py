"""The relay: what publishes the event log to the stream. A process of its own, which knows neither tables nor rooms.

* events of one channel are published in the order of their `ch_seq`, and none is skipped, however late it commits;
* nothing is deleted from the log before it was published.
"""
