"""Every bound of the bot, with its reason."""

RUNS_PER_PERSON = 3
"""Active at once. Enough to ask again while one is running, too few to fill the queue alone."""
RUNS_PER_WORKSPACE = 20
RUNS_AT_ONCE = 16
"""Per process, where the provider does not say how many slots it has."""
CONTEXT_MESSAGES = 200
"""Most messages that are asked of chat; the prompt's token limit decides how many are read."""
SOURCES = 5
"""More of them confuse a small model and push the conversation out of the prompt."""

ATTEMPTS = 5
"""A run that has begun this often, whoever broke, is given up."""
PROVIDER_BACKOFF_S = (0.5, 2.0)
"""Between the tries of one process; so many and one more are made."""
FIRST_TOKEN_S = 60.0
"""Without a sign of life. A local model that reads a long prompt gives signs."""
NEXT_TOKEN_S = 20.0

CHECKPOINT_S = 0.5
DELTA_S = 0.1
"""Ten deltas a second at most; the first token goes at once."""
POLL_S = 0.5
"""How soon another process's queued or abandoned run is noticed."""

MAX_TEXT = 16_000
"""Characters in a message of chat; also of a command."""
QUOTE_CHARACTERS = 280
MAX_MESSAGE_AGE_S = 600
"""A mention that is older when it arrives (the bot was away) is not answered: nobody waits for it any more."""
KEEP_ENDED_DAYS = 30
"""Ended runs stay this long, without text or prompt, so that a repeated event or key finds them."""
