"""What can go wrong in the bot beyond the problems that every service knows, each with its stable code."""

from tertulia_shared.problems import Conflict, DependencyUnavailable, Forbidden, Problem, RateLimited, ValidationFailed


class UnknownCommand(ValidationFailed):
    code, title = "unknown_command", "There is no such command"


class MissingArgument(ValidationFailed):
    code, title = "missing_argument", "The command needs one more thing"


class InvalidArgument(ValidationFailed):
    code, title = "invalid_argument", "The command cannot do anything with this"


class QuestionTooLong(ValidationFailed):
    code, title = "question_too_long", "This is longer than the model can read at once"


class TokenBudgetExhausted(RateLimited):
    code, title = "token_budget_exhausted", "This workspace has used up its AI budget of today"


class TooManyRuns(RateLimited):
    code, title = "too_many_runs", "Too many answers are being written at once"


class ModelUnavailable(DependencyUnavailable):
    code, title = "model_unavailable", "The model is not available right now"


class NotAMember(Forbidden):
    code, title = "not_a_member", "Join the channel first"


class PostingRestricted(Forbidden):
    code, title = "posting_restricted", "Only the channel's owner and admins write here"


class Banned(Forbidden):
    code, title = "banned", "You were banned from here"


class Muted(Forbidden):
    code, title = "muted", "You may not write or react here for a while"


class SlowMode(RateLimited):
    code, title = "slow_mode", "This channel is slow: wait a moment before you write again"


class ChannelArchived(Conflict):
    code, title = "channel_archived", "The channel is archived and takes no more changes"


class ThreadNotFound(ValidationFailed):
    code, title = "thread_not_found", "There is no such thread in this channel"


class KeyReused(ValidationFailed):
    code, title = "idempotency_key_reused", "Something else was asked with this Idempotency-Key"


class RunFailed(Exception):
    """The run ends as failed with this code; trying again would not help."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class LeaseLost(Exception):
    """Another process may have taken the run over: this one must leave it alone."""


REFUSALS: dict[str, type[Problem]] = {
    kind.code: kind
    for kind in (
        NotAMember,
        Banned,
        Muted,
        PostingRestricted,
        ChannelArchived,
        ThreadNotFound,
        SlowMode,
        QuestionTooLong,
    )
}
"""What chat answers with, by code."""
