"""What can stop a command, with codes that stay the same.

The exit status says which kind it is: 1 it was done and not all of it succeeded, or was refused; 2 the words were
wrong; 3 something that it needs is away, and the same command may succeed later.
"""

import sys

import msgspec

NOT_DONE = 1
USAGE = 2
AWAY = 3


class OperatorError(Exception):
    """`hint` says what to do about it."""

    status = NOT_DONE

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint


class WrongWords(OperatorError):
    status = USAGE


class Away(OperatorError):
    status = AWAY


def postgres_away(error: BaseException) -> Away:
    reason = str(error) or type(error).__name__
    return Away("postgres_unavailable", f"PostgreSQL is away: {reason}", "Nothing was changed. Try again.")


def nats_away(error: BaseException) -> Away:
    reason = str(error) or type(error).__name__
    return Away("nats_unavailable", f"NATS is away: {reason}", "What was done before stays done. Try again.")


def tell(error: OperatorError, *, as_json: bool) -> int:
    """On stderr; the exit status."""
    if as_json:
        body = {"error": {"code": error.code, "message": error.message, "hint": error.hint}}
        sys.stderr.write(msgspec.json.encode(body).decode() + "\n")
    else:
        sys.stderr.write(f"{error.code}: {error.message}\n")
        if error.hint:
            sys.stderr.write(f"  {error.hint}\n")
    return error.status
