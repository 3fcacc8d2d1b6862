"""What can go wrong on the bus. Everything derives from BusError."""


class BusError(Exception):
    """Base of all errors of the bus."""


class BusUnavailable(BusError):
    """There is no connection to NATS right now, or it broke while we waited. The bus is reconnecting by itself."""


class NoResponders(BusError):
    """Nobody listens on the subject: for JetStream that is a stream that is missing or has no leader yet."""


class RequestTimeout(BusError):
    """No answer within the time given."""


class JetStreamError(BusError):
    """JetStream refused. `code` is its HTTP-like status, `err_code` the exact reason (nats-server `errors.json`)."""

    def __init__(self, code: int, err_code: int, description: str) -> None:
        super().__init__(f"{description} ({code}/{err_code})")
        self.code = code
        self.err_code = err_code
        self.description = description


class PublishFailed(BusError):
    """A publish stopped. The first `done` messages are surely stored; what follows them must be sent again."""

    def __init__(self, done: int, cause: BaseException, seqs: list[int]) -> None:
        super().__init__(f"stopped after {done} messages: {cause}")
        self.done = done
        self.cause = cause
        self.seqs = seqs
        """Stream sequences of those `done` messages."""


class StreamRegressed(BusError):
    """A message was stored at a sequence that was taken before: the stream lost messages, or is another one."""


class NotPermitted(BusError):
    """Whoever publishes lost the right to, or cannot be sure of it any more."""


class MessageTooLarge(BusError):
    """Larger than the stream takes. Trying again cannot help."""
