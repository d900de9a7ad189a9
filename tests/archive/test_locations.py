"""Sources and destinations as written on the command line, and URIs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_pixelanon.archive import DirLocation, XnatLocation, parse_location, uris
from xnat_pixelanon.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("xnat:STAGING", XnatLocation("STAGING")),
        ("xnat:CLEAN_1-a@public", XnatLocation("CLEAN_1-a", "PUBLIC")),
        ("dir:/data/in", DirLocation(Path("/data/in"))),
        ("dir:relative:odd", DirLocation(Path("relative:odd"))),
    ],
)
def test_a_location_is_read_and_written(text, location):
    assert parse_location(text) == location
    assert parse_location(location.text) == location


@pytest.mark.parametrize(
    "text", ["", "STAGING", "xnat:", "xnat:A B", "xnat:A@", "xnat:A@1 x", "xnat:a/b", "dir:", "ftp:x"]
)
def test_anything_else_is_refused_with_an_example(text):
    with pytest.raises(ConfigurationError) as caught:
        parse_location(text)
    assert "xnat:PROJECT" in caught.value.hint


def test_credentials_come_from_the_servers_own_variables_and_missing_ones_are_named():
    environment = {"XNAT_HOST": "https://a.invalid", "XNAT_USER": "u", "XNAT_PASS": "p", "PIXELANON_PUBLIC_HOST": "h"}
    found = XnatLocation("P").credentials(environment)
    assert (found.server, found.user, found.password) == ("https://a.invalid", "u", "p")
    with pytest.raises(ConfigurationError, match=r"variables PIXELANON_PUBLIC_USER, PIXELANON_PUBLIC_PASS$"):
        XnatLocation("P", "PUBLIC").credentials(environment)
    with pytest.raises(ConfigurationError, match=r"variable XNAT_PASS$"):
        XnatLocation("P").credentials(environment | {"XNAT_PASS": ""})


@given(st.text(min_size=1), st.text(min_size=1))
def test_no_label_changes_the_meaning_of_a_path(first, second):
    try:
        path = uris.path("experiments", first, "scans", second, x=first)
    except UnicodeEncodeError:
        return  # a lone surrogate
    bare, _, query = path.partition("?")
    assert [unquote(part) for part in bare.split("/")] == ["", "data", "experiments", first, "scans", second]
    assert "?" not in query
    assert "#" not in path


def test_a_listed_uri_is_quoted_once():
    assert uris.listed("/data/x/files/a b.dcm") == "/data/x/files/a%20b.dcm"
    assert uris.listed("/data/x/files/a%20b.dcm") == "/data/x/files/a%20b.dcm"
    assert uris.file_part("/data/x/resources/1/files/sub/a%20b.dcm") == "sub/a b.dcm"
    assert uris.file_part("/data/x") == ""
