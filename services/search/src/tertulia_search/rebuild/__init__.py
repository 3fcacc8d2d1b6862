"""A new generation of the index, filled from chat while the live one serves.

    1. remember where the stream ends, then how far each channel is
    2. write every message of chat's export; its version is how far its channel was, for the export shows at least that
    3. replay the stream from where it ended, until its end
    4. compare the number of messages in each workspace with chat's
    5. hold the indexer, replay what came meanwhile, and swap

What chat committed before 1 is in the export, what it committed later is in the replay, and the versions make the order
of the two indifferent. The replay leaves nothing out: a hole in what is read ends the rebuild. Whatever goes wrong
before the swap leaves the live generation as it was; the swap goes to its end even when the process is told to stop.
"""
