"""The environment of this service, validated at the start."""

from typing import Annotated

from pydantic import Field

from tertulia_shared.settings import NatsSettings, SecretSettings, ServiceSettings, VerifierSettings


class NotifySettings(ServiceSettings, NatsSettings, SecretSettings, VerifierSettings):
    chat_url: str
    stream_rotate_s: Annotated[float, Field(gt=0)] = 600.0
