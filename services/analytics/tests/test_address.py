"""CLICKHOUSE_URL: what it may be, and that the password in it stays there."""

import pytest
from pydantic import ValidationError

from tertulia_analytics.warehouse.address import Address, parse
from tertulia_shared.settings import load


def test_the_embedded_engine_is_a_directory():
    assert parse("chdb:///var/lib/ware%20house/one") == Address(path="/var/lib/ware house/one", database="tertulia")
    assert parse("chdb:///x").embedded


def test_a_server_has_the_usual_ports():
    assert parse("clickhouse://ada:s%2Fecret@db.example/chat") == Address(
        host="db.example", port=8123, user="ada", password="s/ecret", database="chat"
    )
    assert parse("clickhouses://db.example:9999") == Address(host="db.example", port=9999, secure=True)
    assert parse("clickhouses://db.example").port == 8443
    assert not parse("clickhouse://db.example").embedded


@pytest.mark.parametrize(
    "url",
    [
        "",
        "chdb://relative/path",
        "chdb:///",
        "chdb:",
        "http://ada:hush@host:8123/x",
        "clickhouse:///x",
        "clickhouse://ada:hush@host/x?y=1",
        "clickhouse://ada:hush@host:port/x",
    ],
)
def test_anything_else_is_refused_without_repeating_it(url: str):
    with pytest.raises(ValueError) as refused:  # noqa: PT011
        parse(url)
    assert "hush" not in str(refused.value)


def test_the_password_is_in_no_representation():
    address = parse("clickhouse://ada:hush@host/x")
    assert "hush" not in f"{address} {address!r}"
    assert str(address) == "clickhouse://host:8123/x"
    assert str(parse("chdb:///a b")) == "chdb:///a b"


def test_a_wrong_address_is_named_at_the_start(world, monkeypatch, capsys):
    from tertulia_analytics.settings import AnalyticsSettings

    settings = world.settings(clickhouse_url="clickhouse://ada:hush@host/x")
    assert "hush" not in repr(settings)
    assert settings.warehouse.password == "hush"
    with pytest.raises(ValidationError):
        world.settings(clickhouse_url="nonsense")
    monkeypatch.setenv("CLICKHOUSE_URL", "http://ada:hush@host/x")
    with pytest.raises(SystemExit):
        load(AnalyticsSettings)
    said = capsys.readouterr().err
    assert "CLICKHOUSE_URL: must be chdb:///absolute/path" in said
    assert "hush" not in said
