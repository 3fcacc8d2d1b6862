"""Which settings each process reads, by the command that starts it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tertulia_analytics.settings import AnalyticsSettings
from tertulia_analytics.settings import MigrateSettings as AnalyticsMigrateSettings
from tertulia_bot.settings import MigrateSettings as BotMigrateSettings
from tertulia_bot.settings import ModelSettings, ServeSettings
from tertulia_chat.relay.process import RelaySettings
from tertulia_chat.settings import ApiSettings
from tertulia_chat.settings import MigrateSettings as ChatMigrateSettings
from tertulia_gateway.settings import GatewaySettings
from tertulia_notify.settings import NotifySettings
from tertulia_search.settings import MigrateSettings as SearchMigrateSettings
from tertulia_search.settings import SearchSettings
from tertulia_shared.settings import Settings

REPOSITORY = Path(__file__).parents[2]
SECRET = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

SETTINGS: dict[str, type[Settings]] = {
    "tertulia_chat api": ApiSettings,
    "tertulia_chat relay": RelaySettings,
    "tertulia_chat migrate": ChatMigrateSettings,
    "tertulia_notify": NotifySettings,
    "tertulia_gateway": GatewaySettings,
    "tertulia_search serve": SearchSettings,
    "tertulia_search migrate": SearchMigrateSettings,
    "tertulia_bot serve": ServeSettings,
    "tertulia_bot migrate": BotMigrateSettings,
    "tertulia_bot model": ModelSettings,
    "tertulia_analytics serve": AnalyticsSettings,
    "tertulia_analytics migrate": AnalyticsMigrateSettings,
}

KNOWN = {name.upper() for settings in SETTINGS.values() for name in settings.model_fields}

# What the image itself sets; the Dockerfile's test holds it.
IMAGE_ENV = {"HOST": "0.0.0.0", "PORT": "8000"}


def accept(command: list[str], env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings as the process would read them, from this environment alone. Raises pydantic's ValidationError."""
    for name in KNOWN:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**IMAGE_ENV, **env}.items():
        monkeypatch.setenv(name, value)
    return SETTINGS[" ".join(command)]()


def fields_of(command: list[str]) -> set[str]:
    """The variables that the process reads."""
    return {name.upper() for name in SETTINGS[" ".join(command)].model_fields}


def unknown(env: Mapping[str, str]) -> set[str]:
    """Names that no process reads: a slip of the pen."""
    return set(env) - KNOWN


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]
