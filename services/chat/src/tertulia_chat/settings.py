"""What chat's processes are told at start."""

from typing import Annotated

from pydantic import Field

from tertulia_shared.settings import NatsSettings, PostgresSettings, SecretSettings, ServiceSettings


class ApiSettings(ServiceSettings, PostgresSettings, NatsSettings, SecretSettings):
    """`postgres_pool_size` counts the connections of each of the two pools (see `database`)."""

    postgres_pool_size: Annotated[int, Field(ge=1, le=200)] = 20
    access_token_ttl_s: Annotated[int, Field(ge=1, le=86_400)] = 900


class MigrateSettings(PostgresSettings):
    pass
