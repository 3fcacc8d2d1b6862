"""What /readyz and /metrics say about dependencies and lag."""

from litestar import Litestar
from litestar.testing import AsyncTestClient

from tertulia_shared.runtime import Health, health, health_routes


async def up() -> None:
    pass


async def down() -> None:
    raise ConnectionError("nats://hush@host refused")


async def test_a_scrape_tells_the_state_of_now(monkeypatch) -> None:
    monkeypatch.setattr(health, "REMEMBER_S", 0.0)
    state = Health()
    state.add("engine", up)
    state.add("model", down, required=False)
    async with AsyncTestClient(Litestar(health_routes(state), openapi_config=None)) as client:
        text = (await client.get("/metrics")).text
        assert "\nservice_ready 1.0" in text
        assert '\nservice_dependency_up{dependency="engine"} 1.0' in text
        assert '\nservice_dependency_up{dependency="model"} 0.0' in text
        state.add("engine", down)
        text = (await client.get("/metrics")).text
        assert "\nservice_ready 0.0" in text
        assert '\nservice_dependency_up{dependency="engine"} 0.0' in text


async def test_who_follows_the_log_tells_its_lag_and_serves_however_late_it_is() -> None:
    state = Health()
    assert (await state.readiness()).lag_s is None
    late = Health()
    late.tell_lag(lambda: 12.34567)
    async with AsyncTestClient(Litestar(health_routes(late), openapi_config=None)) as client:
        answer = await client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready", "dependencies": {}, "lag_s": 12.346})
    late.draining = True
    assert (await late.readiness()).status == "not_ready"
    assert (await late.readiness()).lag_s == 12.346
