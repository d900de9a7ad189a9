"""The page as a file of the project, shown by XNAT itself: same origin, the person's own login."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.launches.browser import Browser
from tests.pipeline.conftest import OWNER, STAGING, Site
from tests.review.chromium import Chromium, Page
from tests.review.conftest import go
from tests.review.test_live import draw, into_itself_is_refused, stored
from xnat_pixelanon.review.build import page as build
from xnat_pixelanon.sandbox.app import RequestRecord
from xnat_pixelanon.sandbox.faults import Call, Fault
from xnat_pixelanon.sandbox.settings import Settings

PLACE = f"/data/projects/{STAGING}/resources/PIXELANON/files/review.html"


@pytest.fixture
def site(make_site: Callable[..., Site], survey: dict[str, Any]) -> Site:
    made = make_site(staging=Settings(site_id="STAGE", html_resources=True))
    made.staging.add_resource_file(STAGING, None, "PIXELANON", "review.html", build(survey).encode())
    return made


def opened(browser: Chromium, site: Site, user: str = OWNER) -> Page:
    cookie = Browser(site.staging, user, STAGING)._http.cookies["JSESSIONID"]
    page = browser.page(f"{site.staging.url}{PLACE}", JSESSIONID=cookie)
    assert page.ready() == "xnat"
    return page


def test_save_stores_in_the_config_service_with_the_pages_token(
    browser: Chromium, site: Site, survey: dict[str, Any]
) -> None:
    page = opened(browser, site)
    assert "with your login" in page.text(".mode")
    draw(page, survey, "Näme line")
    page.click("button", "Save")
    page.wait("document.querySelector('.stored').textContent.includes('templates version 1')")
    assert [one["title"] for one in stored(site)["templates"]] == ["Näme line"]
    go(page, "policy")
    page.click("button", "Write a policy")
    page.fill("Clean project", "CLEAN")
    page.click("button", "Save")
    page.wait("document.querySelector('.stored').textContent.includes('policy version 1')")
    assert site.fingerprint(), "the first policy makes the key"
    puts: list[RequestRecord] = [one for one in site.staging.requests if one.method == "PUT" and "/config/" in one.path]
    assert [one.path.rpartition("/")[2] for one in puts] == ["templates.json", "key", "policy.json"]
    assert all("XNAT_CSRF=" in one.query for one in puts)
    page.reload()
    assert page.js("review.state.templates.templates[0].title") == "Näme line"
    assert page.trouble == []
    page.close()


def test_a_version_that_was_stored_meanwhile_is_not_overwritten(
    browser: Chromium, site: Site, survey: dict[str, Any]
) -> None:
    page = opened(browser, site)
    draw(page, survey)
    site.templates()
    page.click("button", "Save")
    page.wait("document.querySelector('dialog[open]')")
    assert stored(site)["templates"] == []
    page.click("dialog button", "Use these choices")
    page.click("button", "Save")
    page.wait("document.querySelector('.stored').textContent.includes('templates version 2')")
    assert len(stored(site)["templates"]) == 1
    page.close()


def test_a_project_that_would_send_into_itself_is_not_stored(
    browser: Chromium, site: Site, survey: dict[str, Any]
) -> None:
    page = opened(browser, site)
    into_itself_is_refused(page, site)
    page.close()


def test_of_two_at_the_same_moment_the_first_stands(browser: Chromium, site: Site, survey: dict[str, Any]) -> None:
    page = opened(browser, site)
    draw(page, survey)
    rival = Call(lambda: site.templates())
    site.staging.faults.add(Fault(method="PUT", path=r"/config/pixelanon/templates\.json", action=rival))
    page.click("button", "Save")
    page.wait("document.querySelector('dialog[open]')")
    assert "theirs stands" in page.text("dialog")
    assert stored(site)["templates"] == []
    page.close()


def test_who_may_not_write_and_whose_login_has_ended_are_told(
    browser: Chromium, site: Site, survey: dict[str, Any]
) -> None:
    site.staging.set_role(STAGING, OWNER, "member")
    page = opened(browser, site)
    draw(page, survey)
    page.click("button", "Save")
    page.wait("document.querySelector('dialog[open]')")
    assert "Only an owner" in page.text("dialog")
    page.click("dialog button", "Close")
    site.staging.kill_sessions()
    page.click("button", "Save")
    page.wait("document.querySelector('dialog[open]')")
    assert "log in again" in page.text("dialog")
    assert json.loads(page.js("JSON.stringify(review.state.templates.templates.length)")) == 1
    page.close()


def test_the_sandbox_asks_browsers_for_their_token(site: Site) -> None:
    owner = Browser(site.staging, OWNER, STAGING)
    path = f"/data/projects/{STAGING}/config/pixelanon/templates.json"
    assert owner.try_("PUT", path, data="x").status_code == 201
    owner._token = "another"
    assert owner.try_("PUT", path, data="y").status_code == 500
    owner._http.headers["User-Agent"] = "python-requests/2"
    assert owner.try_("PUT", path, data="y").status_code == 200
