"""The environment of this service, validated at the start."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr

from tertulia_search.engines.choose import check_url
from tertulia_shared.settings import (
    NatsSettings,
    PostgresSettings,
    SecretSettings,
    ServiceSettings,
    VerifierSettings,
)


class MigrateSettings(PostgresSettings):
    pass


class RebuildSettings(ServiceSettings, SecretSettings):
    """Where the running service is."""


class SearchSettings(ServiceSettings, PostgresSettings, NatsSettings, SecretSettings, VerifierSettings):
    chat_url: str
    search_url: Annotated[str, AfterValidator(check_url)]
    meilisearch_key: SecretStr | None = None
