"""The live page against the stand-in XNAT: stored, overtaken, refused."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.pipeline.conftest import OWNER, PASSWORD, STAGING, Site
from tests.review.chromium import Chromium, Page
from tests.review.conftest import go, group_of
from xnat_pixelanon.archive import Credentials, XnatDocumentStore, XnatLocation, connect
from xnat_pixelanon.errors import ConfigurationError
from xnat_pixelanon.review.server import ReviewServer
from xnat_pixelanon.review.storing import Storing


@contextmanager
def store_of(site: Site, user: str = OWNER) -> Iterator[tuple[XnatDocumentStore, XnatLocation]]:
    with connect(Credentials(site.staging.url, user, PASSWORD)) as connection:
        yield XnatDocumentStore(connection, STAGING), XnatLocation(STAGING)


def stored(site: Site, name: str = "templates.json") -> Any:
    with store_of(site) as (store, _):
        found = store.load(name)
    return None if found is None else json.loads(found.text)


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    return make_site()


@contextmanager
def served(site: Site, survey: dict[str, Any], user: str = OWNER) -> Iterator[ReviewServer]:
    server = ReviewServer(survey, Storing(lambda: store_of(site, user)))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    try:
        yield server
    finally:
        server.stop()
        thread.join()


@pytest.fixture
def server(site: Site, survey: dict[str, Any]) -> Iterator[ReviewServer]:
    with served(site, survey) as found:
        yield found


@pytest.fixture
def page(browser: Chromium, server: ReviewServer) -> Iterator[Page]:
    found = browser.page(server.url)
    assert found.ready() == "live"
    yield found
    found.js("0")
    trouble = [one for one in found.trouble if "status of 4" not in one]
    found.close()
    assert trouble == []


def small(id_: str, **more: Any) -> dict[str, Any]:
    """A template of one little box."""
    box = {"top": 0, "left": 0, "bottom": 5, "right": 5}
    return {"id": id_, "match": {"rows": 480, "columns": 640}, "rectangles": [box]} | more


def draw(page: Page, survey: dict[str, Any], title: str = "Name line") -> None:
    go(page, f"draw/{group_of(survey, 'US')}/new")
    page.drag(".drawing", (0.0, 0.0), (1.0, 0.1))
    page.fill("Title", title)
    page.click("button", "Keep template")


def test_what_is_saved_is_stored_in_the_project_and_there_after_a_reload(
    page: Page, site: Site, survey: dict[str, Any]
) -> None:
    draw(page, survey)
    page.click("button", "Save")
    page.wait("document.querySelector('.stored').textContent.includes('templates version 1')")
    assert [one["title"] for one in stored(site)["templates"]] == ["Name line"]
    page.reload()
    assert page.js("review.state.templates.templates[0].title") == "Name line"
    go(page, f"group/{group_of(survey, 'US')}")
    assert page.wait("document.querySelectorAll('.tile .shade').length") == 3
    go(page, "policy")
    page.click("button", "Write a policy")
    page.fill("Clean project", "CLEAN")
    page.click("label", "Armed")
    page.click("button", "Save")
    page.wait("document.querySelector('.stored').textContent.includes('policy version 1')")
    assert stored(site, "policy.json") == {
        "schema_version": 1,
        "enabled": True,
        "destination": {"server": "same", "project": "CLEAN"},
    }
    assert site.fingerprint(), "the first policy makes the key"


def test_two_editors_see_both_versions_and_put_them_together(
    page: Page, site: Site, survey: dict[str, Any], tmp_path: Path
) -> None:
    draw(page, survey, "mine")
    theirs = small("theirs", title="theirs")
    site.templates(theirs)
    page.click("button", "Save")
    page.wait("document.querySelector('dialog[open]')")
    told = page.text("dialog")
    assert "Two versions of templates.json" in told
    assert "template theirs" in told
    assert "template us-480x640" in told
    page.click("dialog button", "Use these choices")
    page.click("button", "Save")
    page.wait("document.querySelector('.stored').textContent.includes('templates version 2')")
    assert {one["id"] for one in stored(site)["templates"]} == {"theirs", "us-480x640"}


def test_one_template_changed_by_both_is_the_persons_choice(
    browser: Chromium, site: Site, survey: dict[str, Any]
) -> None:
    base = small("one", title="base")
    site.templates(base)
    with served(site, survey) as server:
        page = browser.page(server.url)
        page.ready()
        go(page, f"draw/{group_of(survey, 'US')}/one")
        page.fill("Title", "mine")
        page.drag(".drawing", (0.5, 0.5), (1.0, 1.0))
        page.click("button", "Keep changes")
        site.templates(base | {"title": "theirs"})
        page.click("button", "Save")
        page.wait("document.querySelector('dialog[open]')")
        assert "both changed it" in page.text("dialog")
        page.click("dialog input[value=theirs]")
        page.click("dialog button", "Use these choices")
        assert page.js("review.state.templates.templates.map((one) => one.title)") == ["theirs"]
        assert page.js("document.querySelector('.stored').textContent") == "templates version 2 · policy not stored"
        page.close()


def into_itself_is_refused(page: Page, site: Site) -> None:
    """A policy that sends the project into itself, written and saved: told in a dialog, and not stored."""
    go(page, "policy")
    page.click("button", "Write a policy")
    page.fill("Clean project", STAGING)
    page.click("button", "Save")
    page.wait("document.querySelector('dialog[open]')")
    assert "the policy's destination is the staging project itself" in page.text("dialog")
    assert stored(site, "policy.json") is None


def test_what_the_program_refuses_is_told_and_nothing_is_lost(page: Page, site: Site) -> None:
    into_itself_is_refused(page, site)
    page.click("dialog button", "Close")
    assert page.js("review.state.policy.destination.project") == STAGING


def get(server: ReviewServer, path: str = "/", **given: Any) -> requests.Response:
    return requests.get(f"http://127.0.0.1:{server.port}{path}", timeout=10, allow_redirects=False, **given)


def test_the_address_works_once_and_only_with_its_token(server: ReviewServer) -> None:
    assert get(server, "/?token=wrong").status_code == 403
    assert get(server).status_code == 403
    first = requests.get(server.url, timeout=10, allow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=strict" in first.headers["set-cookie"]
    assert requests.get(server.url, timeout=10, allow_redirects=False).status_code == 403
    page = get(server, cookies=first.cookies)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"


def test_other_origins_other_names_and_missing_tokens_store_nothing(server: ReviewServer, site: Site) -> None:
    cookies = requests.get(server.url, timeout=10, allow_redirects=False).cookies
    token = get(server, cookies=cookies).text.split('"live":"')[1].split('"')[0]
    url = f"http://127.0.0.1:{server.port}/documents/templates.json"
    body = json.dumps({"schema_version": 1, "templates": []})

    def put(name: str = "templates.json", /, cookies: Any = cookies, **headers: str) -> int:
        given = {"X-Pixelanon-Token": token} | {key.replace("_", "-"): value for key, value in headers.items()}
        target = url.replace("templates.json", name)
        return requests.put(target, body, headers=given, cookies=cookies, timeout=10).status_code

    assert put(Origin="http://evil.example") == 403
    assert put(Origin="null") == 403
    assert put(Host=f"evil.example:{server.port}") == 421
    assert put(Host=f"localhost:{server.port}") == 421
    assert put(X_Pixelanon_Token="wrong") == 403
    assert put(cookies=None) == 403
    assert get(server, "/documents", cookies=cookies).status_code == 403
    assert get(server, cookies=cookies, headers={"Host": "evil.example"}).status_code == 421
    assert put("key") == 404
    assert stored(site) is None
    assert put(Origin=f"http://127.0.0.1:{server.port}") == 200
    assert stored(site) == {"schema_version": 1, "templates": []}


def test_who_is_no_owner_is_told_so(browser: Chromium, site: Site, survey: dict[str, Any]) -> None:
    site.staging.add_user("colleague", PASSWORD)
    site.staging.set_role(STAGING, "colleague", "member")
    with served(site, survey, "colleague") as server:
        page = browser.page(server.url)
        page.ready()
        draw(page, survey)
        page.click("button", "Save")
        page.wait("document.querySelector('dialog[open]')")
        assert "only an owner" in page.text("dialog")
        assert page.js("document.querySelector('.stored').textContent") == "● not stored"
        page.close()
    assert stored(site) is None


def test_a_port_that_is_taken_is_refused(server: ReviewServer, survey: dict[str, Any], site: Site) -> None:
    with pytest.raises(ConfigurationError, match="is taken"):
        ReviewServer(survey, Storing(lambda: store_of(site)), server.port)
