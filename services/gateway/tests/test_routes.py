import re

import pytest

from tertulia_gateway.router import Router
from tertulia_gateway.routes import ROUTES, Auth, Route, Upstream
from tertulia_shared.problems import NotFound

FORWARDED = [route for route in ROUTES if route.upstream is not Upstream.SELF]


def example(route: Route) -> str:
    return re.sub(r"\{[^}]*\}", "0190a1b2", route.path.replace("{rest...}", "a/b"))


def methods(route: Route) -> list[str]:
    return sorted((route.methods or frozenset({"GET", "POST"})) - {"HEAD"})


def calls(house):
    return [call for service in house.services.values() for call in service.calls]


async def test_every_row_leads_to_its_service(house, subtests):
    for route in FORWARDED:
        with subtests.test(route=route.path, methods=methods(route)):
            for method in methods(route):
                service = house.services[route.upstream]
                body = b"{}" if method != "GET" else None
                answer = await house.ask(f"{example(route)}?q=1", method, house.bearer, body)
                assert answer.status == 200, answer.body
                assert (service.calls[-1].method, service.calls[-1].path) == (method, example(route))
                assert service.calls[-1].query == b"q=1"
                assert service.calls[-1].headers["authorization"].startswith("Bearer ")


async def test_without_a_token_only_public_rows_reach_a_service(house, subtests):
    for route in FORWARDED:
        with subtests.test(route=route.path, methods=methods(route)):
            before = len(calls(house))
            for method in methods(route):
                answer = await house.ask(example(route), method, body=b"{}" if method != "GET" else None)
                if route.auth is Auth.PUBLIC:
                    assert answer.status == 200
                else:
                    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
                    assert answer.headers["www-authenticate"] == "Bearer"
            assert len(calls(house)) - before == (len(methods(route)) if route.auth is Auth.PUBLIC else 0)


async def test_what_no_row_names_is_not_routed(house, subtests):
    for target in (
        "/internal/v1/memberships",
        "/internal",
        "/metrics",
        "/.well-known/jwks.json",
        "/schema/openapi.json",
        "/api/v1/internal/x",
        "/api/v1/nothing",
        "/api/v2/users/me",
        "/api",
        "/api/v1/users/",
        "/api/v1/users/me/",
        "/api/v1/auth/other",
        "/api/",
    ):
        with subtests.test(target=target):
            answer = await house.ask(target, headers=house.bearer)
            assert (answer.status, answer.json["code"]) == (404, "not_found")
            assert not calls(house)


async def test_a_known_path_with_another_method_says_which_ones_it_has(house):
    answer = await house.ask("/api/v1/stream", "POST", house.bearer, b"")
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


async def test_a_path_that_could_be_read_in_two_ways_reaches_nobody(house, subtests):
    for target in (
        "/api/v1/users/../../internal/v1/memberships",
        "/api/v1/users/%2e%2e/%2e%2e/internal",
        "/api/v1/users/..%2f..%2finternal",
        "/api/v1//users/me",
        "//api/v1/users/me",
        "/api/v1/users/me%00",
        "/api/v1/users/me%0d%0aX-Evil:%201",
        "/api/v1/users\\me",
        "/api/v1/users/%5cme",
        "/api/v1/users/..",
        "/api/v1/users/.",
        "/..",
        "/api/v1/users/%6de",
        "/api/v1/users/%4De",
        "/api/v1/users/m%65",
        "/api/v1/users/me%2D1",
        "/api/v1/users/me%7e",
        "/api/v1/users/me%5F",
        "/api/v1/users/me%30",
        "/api/v1/users/me%7a",
        "/api/v1/users/me%",
        "/api/v1/users/me%zz",
        "*",
    ):
        with subtests.test(target=target):
            answer = await house.ask(target, headers=house.bearer)
            assert answer.status in (400, 404)
            assert answer.headers["content-type"] == "application/problem+json"
            assert not calls(house)


async def test_an_absolute_target_is_understood(house):
    answer = await house.ask("http://elsewhere.test/api/v1/users/me?a=1", headers=house.bearer)
    assert answer.json["path"] == "/api/v1/users/me"


async def test_an_address_over_8_kib_is_too_long(house):
    answer = await house.ask("/api/v1/users/me?q=" + "a" * 9000, headers=house.bearer)
    assert (answer.status, answer.json["code"]) == (414, "uri_too_long")


async def test_emoji_in_a_path_pass_percent_encoded(house):
    answer = await house.ask("/api/v1/messages/m1/reactions/%F0%9F%98%80", "PUT", house.bearer, b"")
    assert answer.json["path"].endswith("/😀")


def test_two_rows_for_the_same_request_are_a_mistake():
    with pytest.raises(ValueError, match="two rows"):
        Router((Route(path="/a", upstream=Upstream.CHAT), Route(path="/a", upstream=Upstream.NOTIFY)))


def test_a_literal_wins_over_a_parameter_and_a_parameter_over_the_rest():
    router = Router()
    assert router.match("POST", "/api/v1/channels/c/typing").upstream is Upstream.NOTIFY
    assert router.match("POST", "/api/v1/channels/c/messages").body_limit == 256 * 1024
    assert router.match("GET", "/api/v1/channels/c/typing").path.endswith("{rest...}")
    with pytest.raises(NotFound):
        router.match("GET", "/api/v1/channelsX")
