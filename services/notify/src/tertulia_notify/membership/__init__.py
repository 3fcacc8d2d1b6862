"""Who belongs where, kept from events and from a snapshot at the start; who may read what; which sessions ended."""
