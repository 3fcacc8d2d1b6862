"""Settings are checked once at start; a mistake names its variable and never shows its value."""

import base64

import pytest

from tertulia_shared.settings import NatsSettings, SecretSettings, ServiceSettings, load

KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


class Everything(ServiceSettings, NatsSettings, SecretSettings):
    pass


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("HOST", "PORT", "NATS_URL", "NATS_PREFIX", "SECRET_KEY", "SECRET_KEY_PREVIOUS", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORT", "8081")
    monkeypatch.setenv("NATS_URL", "nats://token@127.0.0.1:4222")
    monkeypatch.setenv("SECRET_KEY", KEY)
    return monkeypatch


def test_good_settings_load():
    settings = load(Everything)

    assert (settings.host, settings.port) == ("127.0.0.1", 8081)
    assert settings.secrets.current == b"k" * 32
    assert settings.secrets.previous == ()


def test_former_secrets_are_a_list(environment: pytest.MonkeyPatch):
    former = base64.urlsafe_b64encode(b"f" * 32).decode().rstrip("=")
    environment.setenv("SECRET_KEY_PREVIOUS", f"{former}, {KEY}")

    assert load(Everything).secrets.previous == (b"f" * 32, b"k" * 32)


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("PORT", "eighty", "PORT: "),
        ("PORT", "70000", "PORT: "),
        ("NATS_URL", None, "NATS_URL: is not set"),
        ("SECRET_KEY", "hunter2hunter2", "SECRET_KEY: must be 32 bytes"),
        ("SECRET_KEY", "ü", "SECRET_KEY: must be"),
        ("SECRET_KEY_PREVIOUS", "hunter2hunter2", "SECRET_KEY_PREVIOUS: must be 32 bytes"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: "),
        ("NATS_PREFIX", "a.b", "NATS_PREFIX: "),
        ("NATS_PREFIX", "a\n", "NATS_PREFIX: "),
    ],
)
def test_a_mistake_names_the_variable_and_hides_the_value(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str | None, says: str
):
    if value is None:
        environment.delenv(variable)
    else:
        environment.setenv(variable, value)

    with pytest.raises(SystemExit) as stopped:
        load(Everything)

    told = capsys.readouterr().err
    assert stopped.value.code == 2
    assert says in told
    assert "hunter2" not in told


def test_secrets_do_not_show_in_the_settings_text():
    assert KEY not in repr(load(Everything))
    assert "token@" not in repr(load(Everything))


def test_purposes_give_different_keys():
    secrets = load(Everything).secrets

    assert secrets.derive("cursors") != secrets.derive("service-tokens")
    assert secrets.derive("cursors") == secrets.derive("cursors")
