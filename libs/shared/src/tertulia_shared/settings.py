"""Settings, read once in `__main__` from the environment and passed down.

Each service composes its class from the small ones here. `load` validates at start and names the variable that is
wrong; nothing else in the product reads the environment.
"""

import base64
import binascii
import sys
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRET_KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class SecretKeys:
    """The installation's secret, with the former ones that still open what they sealed."""

    current: bytes
    previous: tuple[bytes, ...] = ()

    def derive(self, purpose: str) -> list[bytes]:
        """One 32-byte key per secret for this purpose, the current one first (HKDF-SHA256, RFC 5869)."""
        return [
            HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"tertulia/{purpose}".encode()).derive(secret)
            for secret in (self.current, *self.previous)
        ]


def decode_secret(text: str) -> bytes:
    """Raises ValueError unless `text` is base64url of exactly 32 bytes (padding optional)."""
    try:
        secret = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise ValueError("must be base64url") from None
    if len(secret) != SECRET_KEY_BYTES:
        raise ValueError(f"must be {SECRET_KEY_BYTES} bytes, base64url-encoded")
    return secret


def _check_secret(value: SecretStr) -> SecretStr:
    decode_secret(value.get_secret_value())
    return value


def _check_secret_list(value: SecretStr) -> SecretStr:
    for item in _items(value):
        decode_secret(item)
    return value


def _items(value: SecretStr) -> list[str]:
    return [item.strip() for item in value.get_secret_value().split(",") if item.strip()]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)


class ServiceSettings(Settings):
    """What every process with an HTTP port has."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)]
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"
    otel_exporter_otlp_endpoint: str | None = None
    otel_traces_sampler_arg: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The part of the traces that is recorded."""


class PostgresSettings(Settings):
    postgres_url: SecretStr


class NatsSettings(Settings):
    nats_url: SecretStr
    nats_prefix: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]*$")] = ""


class SecretSettings(Settings):
    secret_key: Annotated[SecretStr, AfterValidator(_check_secret)]
    secret_key_previous: Annotated[SecretStr, AfterValidator(_check_secret_list)] = SecretStr("")

    @property
    def secrets(self) -> SecretKeys:
        return SecretKeys(
            current=decode_secret(self.secret_key.get_secret_value()),
            previous=tuple(decode_secret(item) for item in _items(self.secret_key_previous)),
        )


class VerifierSettings(Settings):
    jwks_url: str


S = TypeVar("S", bound=Settings)


def load(settings_class: type[S]) -> S:
    """The validated settings; on a mistake prints one line per variable (never its value) and exits with status 2."""
    try:
        return settings_class()
    except ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            name = "_".join(str(part) for part in problem["loc"]).upper()
            print(f"{name}: {_in_words(problem['type'], problem['msg'])}", file=sys.stderr)
        raise SystemExit(2) from None


def _in_words(kind: str, message: str) -> str:
    return "is not set" if kind == "missing" else message.removeprefix("Value error, ")
