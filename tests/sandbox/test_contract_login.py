"""Login and tokens, as the tool meets them: by the real client, against the sandbox or a real XNAT."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import xnat
from conftest import Endpoint, connect

pytestmark = pytest.mark.live


def test_a_password_opens_a_session(client: Any, endpoint: Endpoint) -> None:
    assert client.logged_in_user == endpoint.user
    assert client.get("/data/JSESSION").text.startswith(client.jsession)


def test_a_wrong_password_is_refused(endpoint: Endpoint) -> None:
    with pytest.raises(xnat.exceptions.XNATLoginFailedError):
        connect(Endpoint(endpoint.host, endpoint.user, "not-the-password"))


def test_an_alias_token_logs_in_as_its_user_until_it_is_invalidated(client: Any, endpoint: Endpoint) -> None:
    token = client.get_json("/data/services/tokens/issue")
    by_token = Endpoint(endpoint.host, token["alias"], token["secret"])
    with connect(by_token) as session:
        assert session.logged_in_user == endpoint.user
    client.get(f"/data/services/tokens/invalidate/{token['alias']}/{token['secret']}")
    with pytest.raises(xnat.exceptions.XNATError):
        connect(by_token)


def test_a_plain_agent_without_login_gets_401(endpoint: Endpoint) -> None:
    answer = requests.get(f"{endpoint.host}/data/auth", timeout=30, headers={"User-Agent": "pixelanon-test"})
    assert answer.status_code == 401
    assert "Basic" in answer.headers["WWW-Authenticate"]


def test_a_browser_without_login_gets_a_page_with_status_200(endpoint: Endpoint) -> None:
    answer = requests.get(f"{endpoint.host}/data/auth", timeout=30, headers={"User-Agent": "Mozilla/5.0"})
    assert answer.status_code == 200
    assert answer.text.lstrip().lower().startswith("<!doctype html")


def test_the_version_is_served_by_xapi_and_not_by_data(client: Any) -> None:
    assert client.interface.get(f"{client.server.rstrip('/')}/data/version", timeout=30).status_code == 404
    assert client.get_json("/xapi/siteConfig/buildInfo")["version"][0].isdigit()
