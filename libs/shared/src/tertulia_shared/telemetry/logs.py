"""Structured logs on stderr: one JSON object a line, with the ids that join lines of different processes."""

import logging
import re
import sys
from collections.abc import Mapping
from logging.handlers import QueueHandler
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from tertulia_shared.telemetry.trace import current_request_id, current_trace

_SECRET_KEY = re.compile(
    r"authorization|cookie|token|password|passwd|secret|cursor|credential|private_key|api_key", re.IGNORECASE
)
# Credentials that hide inside text: bearer tokens, JSON web tokens, user:password@ and token@ in URLs, ?cursor=… .
_SECRET_TEXT = re.compile(
    r"(?P<scheme>\b(?:Bearer|Basic)\s+)[\w.~+/=-]+"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*"
    r"|(?P<url>\b[a-z][a-z0-9+.-]*://)[^/@\s]+@"
    r"|(?P<query>\b(?:cursor|token|access_token|refresh_token|password|secret)=)[^&\s\"']+",
    re.IGNORECASE,
)
REDACTED = "[redacted]"
_MAX_DEPTH = 6
_debug = False


def logger(name: str) -> FilteringBoundLogger:
    """The logger of a module: `log = telemetry.logger(__name__)`."""
    return cast(FilteringBoundLogger, structlog.get_logger(module=name))


def debug_enabled() -> bool:
    """Whether debug lines are written; asked before building one in a hot path."""
    return _debug


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Last processor before rendering: no value under a secret's name and no credential inside a text gets out."""
    return {key: _clean(key, value, 0) for key, value in event.items()}


def redact_text(text: str) -> str:
    return _SECRET_TEXT.sub(_mask, text)


def _mask(match: re.Match[str]) -> str:
    if match["url"]:
        return f"{match['url']}{REDACTED}@"
    return f"{match['scheme'] or match['query'] or ''}{REDACTED}"


def _clean(key: str, value: object, depth: int) -> object:
    if value is not None and not isinstance(value, bool) and _SECRET_KEY.search(key):
        return REDACTED
    return _clean_value(value, depth)


def _clean_value(value: object, depth: int) -> object:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes):
        return redact_text(value.decode("utf-8", "replace"))
    if depth >= _MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        items = cast(Mapping[object, object], value).items()
        return {str(key): _clean(str(key), item, depth + 1) for key, item in items}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_value(item, depth + 1) for item in cast(list[object], value)]
    if value is None or isinstance(value, int | float):
        return value
    return redact_text(str(value))


class _Stderr:
    """Whatever `sys.stderr` is when a line is written: a test's capture comes and goes."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


_STDERR = cast(TextIO, _Stderr())


def configure_logs(service: str, level: str, log_format: Literal["json", "console"]) -> None:
    """Send our logs and those of the libraries through one pipeline to stderr."""

    def add_context(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        trace = current_trace()
        if trace is not None:
            event.setdefault("trace_id", trace.trace_id)
            event.setdefault("span_id", trace.span_id)
        request_id = current_request_id()
        if request_id is not None:
            event.setdefault("request_id", request_id)
        return event

    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        add_context,
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    threshold = cast(int, getattr(logging, level.upper()))
    global _debug  # noqa: PLW0603 -- logging is configured per process
    _debug = threshold <= logging.DEBUG
    structlog.configure(
        processors=[*common, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.PrintLoggerFactory(_STDERR),
        # The tests configure more than once; a cached logger would keep the first stderr.
        cache_logger_on_first_use=False,
    )
    _library_handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_name_foreign_logger],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *common, renderer],
        )
    )
    route_library_logs()


class _LibraryHandler(logging.StreamHandler[TextIO]):
    """Ours, to be told from the handlers that libraries put in place."""


_library_handler = _LibraryHandler(_STDERR)


def route_library_logs() -> None:
    """Libraries log through `logging`: warnings and worse go through our pipeline, in our format.

    Called again once the application is put together, because Litestar installs a handler and a level of its own.
    """
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _LibraryHandler | QueueHandler) or type(handler).__module__.startswith("litestar"):
            root.removeHandler(handler)
    root.addHandler(_library_handler)
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "litestar", "nats"):
        library: Any = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.NOTSET)


def _name_foreign_logger(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = cast(logging.LogRecord | None, event.get("_record"))
    if record is not None:
        event["module"] = record.name
    return event
