"""Finds messages again: an index that follows the events, and who may read what."""
