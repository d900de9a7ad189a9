"""A site secret that containers and command lines share: a session has one label, whoever publishes it."""

from __future__ import annotations

import pytest

from tests.launches.conftest import ADMIN, Hospital, switched_on
from tests.pipeline.conftest import CLEAN, Person, banner_template, ultrasound
from xnat_pixelanon.pipeline.rules import SITE_KEY_VARIABLE, new_key

PROPERTY = "lab.site.key"


def test_what_a_container_published_with_the_sites_key_a_command_line_with_it_finds_unchanged(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, key = hospital.site, new_key().strip()
    site.staging.set_system_property(PROPERTY, key)
    assert site.command("install", "--site-key-property", PROPERTY, user=ADMIN) == 0
    site.templates(banner_template())
    site.policy(destination={"server": "same", "project": CLEAN})
    hospital.arrives("VISIT-ONE", 1, [ultrasound(Person.numbered(1))])
    switched_on(hospital)
    ended = hospital.as_().launch("5 Publish sessions")
    assert ended.status == "Complete", ended.log
    assert key not in ended.log
    monkeypatch.setenv(SITE_KEY_VARIABLE, key)
    (session,) = site.run().report.sessions
    assert session.outcome == "unchanged"
    assert [session.clean_session] == list(hospital.as_(project=CLEAN).sessions())
