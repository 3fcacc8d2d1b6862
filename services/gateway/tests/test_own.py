import gzip
import os
import re

import pytest

from tertulia_gateway import web
from tertulia_gateway.apidocs.merge import merge
from tertulia_gateway.apidocs.page import render_page


@pytest.fixture
def dist(tmp_path):
    folder = tmp_path / "web dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Tertulia</title>" + " " * 2000)
    (folder / "assets" / "index-BxK3f9aQ.js").write_text("console.log(1)" * 200)
    (folder / "assets" / "index-BxK3f9aQ.js.br").write_bytes(b"brotli bytes")
    (folder / "favicon.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "sw.js").write_text("self.addEventListener('fetch', () => {})")
    (folder / "manifest.webmanifest").write_text('{"name": "Tertulia"}')
    (folder / ".env").write_text("SECRET=1")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
async def site(closed_house, dist):
    await closed_house.open(web=dist)
    return closed_house


async def test_addresses_of_the_front_end_get_its_page(site, subtests):
    for target in ("/", "/index.html", "/w/acme/c/general", "/login?next=/x"):
        with subtests.test(target):
            answer = await site.ask(target)
            assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert answer.body.startswith(b"<!doctype html>")
            assert answer.headers["cache-control"] == "no-cache"


async def test_pages_carry_a_strict_policy(site):
    answer = await site.ask("/")
    policy = answer.headers["content-security-policy"]
    for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"):
        assert rule in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["x-frame-options"] == "DENY"


async def test_every_kind_of_answer_carries_the_security_headers(site):
    for target in ("/", "/api/v1/status", "/api/v1/users/me", "/nothing.js", "/api/docs", "/api/openapi.json"):
        answer = await site.ask(target)
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], target
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers
        assert re.fullmatch(r"[0-9a-f]{24}", answer.headers["x-request-id"])


async def test_hashed_files_may_be_kept_for_ever_and_travel_compressed(site):
    plain = await site.ask("/assets/index-BxK3f9aQ.js")
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    assert plain.headers["vary"] == "Accept-Encoding"
    brotli = await site.ask("/assets/index-BxK3f9aQ.js", headers={"Accept-Encoding": "gzip, br"})
    assert (brotli.headers["content-encoding"], brotli.body) == ("br", b"brotli bytes")
    zipped = await site.ask("/assets/index-BxK3f9aQ.js", headers={"Accept-Encoding": "gzip, br;q=0"})
    assert gzip.decompress(zipped.body) == plain.body


async def test_the_service_worker_may_fetch_what_the_page_may_and_is_looked_for_each_time(site):
    answer = await site.ask("/sw.js")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    page = await site.ask("/")
    assert "worker-src 'self'" in page.headers["content-security-policy"]
    assert "manifest-src 'self'" in page.headers["content-security-policy"]


async def test_the_manifest_has_its_type(site):
    answer = await site.ask("/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    assert answer.headers["cache-control"] == "no-cache"


async def test_an_unchanged_file_is_not_sent_again(site):
    tag = (await site.ask("/")).headers["etag"]
    answer = await site.ask("/", headers={"If-None-Match": f'"x", W/{tag}'})
    assert (answer.status, answer.body) == (304, b"")
    assert (await site.ask("/", "HEAD")).headers["content-length"].isdigit()


async def test_nothing_outside_the_folder_can_be_had(site, subtests):
    for target in (
        "/assets/missing.js",
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/link.txt",
        "/.env",
        "/assets/index-BxK3f9aQ.js.br",
        "//secret.txt",
        "/assets/..\\secret.txt",
        "/etc/passwd.txt",
    ):
        with subtests.test(target):
            answer = await site.ask(target)
            assert answer.status in (400, 404)
            assert b"secret" not in answer.body.lower().replace(b"secret.txt", b"")


async def test_pages_cannot_be_posted_to(site):
    assert (await site.ask("/", "POST", body=b"")).status == 405


async def test_a_rebuild_shows_up_without_a_restart(site, dist, monkeypatch):
    monkeypatch.setattr(web, "LOOK_AGAIN_S", 0)
    (dist / "index.html").write_text("<!doctype html>new")
    os.utime(dist / "index.html", ns=(1, 1))
    assert (await site.ask("/")).body == b"<!doctype html>new"


async def test_without_a_front_end_its_addresses_are_not_found(house):
    answer = await house.ask("/")
    assert (answer.status, answer.json["detail"]) == (404, "The web front end has not been built.")


async def test_status_tells_each_service_without_its_reasons(house):
    house.notify.ready = False
    answer = await house.ask("/api/v1/status")
    assert answer.json["status"] == "degraded"
    assert {service["name"]: service["state"] for service in answer.json["services"]} == {
        "chat": "ready",
        "notify": "not_ready",
        "search": "ready",
        "bot": "ready",
        "analytics": "ready",
    }
    assert b"secret reason" not in answer.body


async def test_status_tells_a_service_that_is_away(house):
    await house.chat.stop()
    services = {service["name"]: service["state"] for service in (await house.ask("/api/v1/status")).json["services"]}
    assert services == {"chat": "down"} | dict.fromkeys(("notify", "search", "bot", "analytics"), "ready")


async def test_the_gateway_is_ready_without_its_services_and_says_what_is_missing(house):
    await house.chat.stop()
    answer = await house.ask("/readyz")
    assert answer.status == 200
    assert answer.json["dependencies"]["chat"]["state"] == "down"
    assert (await house.ask("/healthz")).json == {"status": "alive"}


async def test_the_description_is_there_while_the_services_are_away(house):
    await house.chat.stop()
    document = (await house.ask("/api/openapi.json")).json
    assert {"/api/v1/auth/login", "/api/v1/stream", "/api/v1/status"} <= set(document["paths"])
    assert not [path for path in document["paths"] if "internal" in path]
    assert document["security"] == [{"bearer": []}]
    assert document["paths"]["/api/v1/auth/login"]["post"]["security"] == []
    assert "security" not in document["paths"]["/api/v1/stream"]["get"]


async def test_the_description_is_a_page_without_scripts_or_strangers(house):
    answer = await house.ask("/api/docs")
    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "/api/v1/channels/{channel_id}/messages" in page
    assert "<script" not in page
    assert "style=" not in page
    assert not re.findall(r"(?:src|href)=\"https?:", page)
    style = await house.ask("/api/docs/style.css")
    assert style.headers["content-type"].startswith("text/css")


def described(path: str, shape: str = "string") -> dict:
    operation = {"summary": "<script>", "security": [{"other": []}], "responses": {"200": {"description": "OK"}}}
    return {"paths": {path: {"get": operation}}, "components": {"schemas": {"A": {"type": shape}}}}


def test_only_public_addresses_are_described_and_the_table_says_who_needs_a_token():
    document = merge({"chat": described("/api/v1/users/me"), "notify": described("/internal/v1/x")})
    assert document["paths"] == {
        "/api/v1/users/me": {"get": {"summary": "<script>", "responses": {"200": {"description": "OK"}}}}
    }
    assert "<script>" not in render_page(document)


def test_what_cannot_be_true_of_one_api_is_refused():
    with pytest.raises(ValueError, match="another service has"):
        merge({"chat": described("/api/v1/users/me"), "notify": described("/api/v1/users/me")})
    with pytest.raises(ValueError, match="another shape"):
        merge({"chat": described("/api/v1/users/me"), "notify": described("/internal/x", "integer")})
    with pytest.raises(ValueError, match="no row"):
        merge({"chat": described("/api/v1/nothing")})
