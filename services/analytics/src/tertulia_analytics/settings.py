"""The environment of this service, validated at the start."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr

from tertulia_analytics.warehouse.address import Address, parse
from tertulia_shared.settings import (
    NatsSettings,
    PostgresSettings,
    SecretSettings,
    ServiceSettings,
    Settings,
    VerifierSettings,
)


def _check_address(value: SecretStr) -> SecretStr:
    parse(value.get_secret_value())
    return value


class MigrateSettings(PostgresSettings):
    """`migrate` knows PostgreSQL only; the warehouse's own schema is brought up by whoever opens it."""


class AnalyticsSettings(ServiceSettings, PostgresSettings, NatsSettings, SecretSettings, VerifierSettings):
    chat_url: str
    clickhouse_url: Annotated[SecretStr, AfterValidator(_check_address)]

    @property
    def warehouse(self) -> Address:
        return parse(self.clickhouse_url.get_secret_value())


class VerifySettings(SecretSettings, Settings):
    """Where the running service listens."""

    host: str = "127.0.0.1"
    port: int
