"""`stored()` is the ground of every leak test: whatever comes in has to come out of it."""

from __future__ import annotations

from collections.abc import Callable

from conftest import Stage, Study

MakeStage = Callable[..., Stage]


def places(stage: Stage, needle: str) -> set[str]:
    """The kinds of stored things that hold a text."""
    found = set()
    for item in stage.sandbox.stored():
        data = item.path.read_bytes() if item.path else (item.text or "").encode()
        if needle.encode() in data:
            found.add(item.kind)
    return found


def test_a_planted_word_is_found_wherever_it_is_stored(stage: MakeStage, study: Study) -> None:
    site = stage(site_script_enabled=False)
    owner = site.as_user("owner")
    text = {"Content-Type": "text/plain"}
    study.series(1, count=1, PatientName="Wordone", OperatorsName="Wordtwo")
    owner.publish(study.zip(), session="Wordthree", subject="Wordfour")
    owner.raw("PUT", "/data/projects/P/config/t/p", data=b"Wordfive", headers=text)
    owner.raw("PUT", "/data/projects/P/config/t/p", data=b"other", headers=text)
    owner.raw("PUT", "/data/projects/P/resources/R/files/Wordsix.txt", data=b"Wordseven", headers=text)
    owner.raw("GET", "/data/projects/P/experiments?label=Wordeight")
    assert {"file", "experiment", "log"} <= places(site, "Wordone")
    assert {"file", "experiment"} <= places(site, "Wordtwo")
    assert {"file-name", "experiment", "workflow", "access-log"} <= places(site, "Wordthree")
    assert {"subject"} <= places(site, "Wordfour")
    assert {"config"} <= places(site, "Wordfive")
    assert {"file-name", "project", "workflow"} <= places(site, "Wordsix")
    assert {"file"} == places(site, "Wordseven")
    assert {"access-log"} == places(site, "Wordeight")
    assert set() == places(site, "Wordnine")


def test_the_prearchive_is_swept_too(stage: MakeStage, study: Study) -> None:
    site = stage()
    owner = site.as_user("owner")
    study.series(1, count=1, SeriesDescription="Wordten")
    owner.to_prearchive(study.zip(), session="Wordeleven", subject="Wordtwelve")
    assert {"file"} <= places(site, "Wordten")
    assert {"prearchive", "folder-name"} <= places(site, "Wordeleven")
    assert {"prearchive"} <= places(site, "Wordtwelve")


def test_the_log_of_the_session_builder_may_quote_headers(stage: MakeStage, study: Study) -> None:
    site = stage(site_script_enabled=False)
    study.series(1, count=1, OperatorsName="Wordone")
    study.series(2, count=1, OperatorsName="Wordtwo")
    session = site.sandbox.seed_session("P", "S", "L", study.files)
    log = (site.sandbox.session_folder(session) / "dcmtoxnat.log").read_text()
    assert "Wordone" in log
    assert "Wordtwo" in log
