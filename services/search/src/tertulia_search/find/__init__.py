"""From a person's query to an answer with nothing in it that they may not read."""
