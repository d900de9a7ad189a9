"""`survey`: groups, decisions and pictures of a project, what is kept between surveys, and what the files may show."""

from __future__ import annotations

import base64
import io
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.config import IGNORE
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import JPEGBaseline8Bit

from tests.cli.conftest import PERSON, STAGED, Survey, Surveyed, Typed, reads, scan
from tests.pipeline.conftest import OWNER, PASSWORD, InProcess, Site, clean_template, slices, ultrasound
from xnat_pixelanon.archive import Credentials, connect
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import phantom, save

OTHER = Person.numbered(2)


def group(survey: Survey, modality: str) -> dict[str, Any]:
    (found,) = [one for one in survey["groups"] if one["modality"] == modality]
    return found


def picture(survey: Survey, index: int) -> np.ndarray:
    one = survey["pictures"][index]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(one["data"]))))
    assert shown.shape[:2] == (one["height"], one["width"])
    return shown


def test_groups_scans_and_decisions_are_those_of_a_plan(surveyed: Surveyed, site: Site) -> None:
    site.templates(clean_template())
    found = surveyed()
    assert (found["project"], found["source"], found["provisional"]) == ("STAGING", "xnat", False)
    assert found["documents"]["templates"]["version"] == 2
    assert found["documents"]["policy"]["document"]["enabled"] is True
    us, ct = group(found, "US"), group(found, "CT")
    assert (us["rows"], us["columns"], us["scans"], us["undecided"], us["code"]) == (64, 96, 1, 1, None)
    assert (ct["instances"], ct["undecided"], ct["templates"]) == (3, 0, ["ct-axial"])
    assert (scan(found, "US")["decision"], scan(found, "US")["code"]) == ("hold", "no-template")
    assert scan(found, "CT")["session"] == {"id": "STAGE_E00001", "label": f"{PERSON.id}_VISIT"}
    assert scan(found, "CT")["attributes"]["sop_class_uid"] == ct["sop_class_uid"]


def test_each_group_is_shown_with_what_is_burned_into_it(surveyed: Surveyed) -> None:
    found = surveyed()
    shown = group(found, "CT")["pictures"]
    assert [one["shows"] for one in shown] == ["first instance", "middle instance", "last instance"]
    burned = picture(found, scan(found, "US")["pictures"][0]["picture"])
    assert burned[:24].max() > 200  # the name stands there
    highest, lowest = (picture(found, group(found, "CT")[name]) for name in ("maximum", "minimum"))
    assert highest.mean() > lowest.mean()
    assert picture(found, scan(found, "CT")["thumbnail"]).shape[:2] == (32, 32)


def test_large_frames_are_scaled_by_whole_numbers(surveyed: Surveyed, site: Site) -> None:
    site.seed("L1", [phantom("US", person=OTHER, rows=1300, columns=1600, frames=2)], person=OTHER)
    found = surveyed("--session", "L1")
    (us,) = found["groups"]
    sizes = [found["pictures"][one["picture"]] for one in us["pictures"]]
    assert {(one["width"], one["height"]) for one in sizes} == {(800, 650)}
    thumbnail = found["pictures"][found["scans"][0]["thumbnail"]]
    assert (thumbnail["width"], thumbnail["height"]) == (160, 130)
    assert {one["shows"] for one in us["pictures"]} == {"first instance, first frame", "first instance, middle frame"}


def test_jpeg_frames_say_how_a_box_grows(surveyed: Surveyed, site: Site) -> None:
    ds = phantom("US", person=OTHER, rows=64, columns=64, transfer_syntax=JPEGBaseline8Bit)
    site.seed("J1", [ds], person=OTHER)
    (one,) = surveyed("--session", "J1")["scans"]
    assert one["grid"] is not None
    assert one["grid"]["width"] in (8, 16)
    assert scan(surveyed(), "CT")["grid"] is None


def test_several_makers_in_one_group_are_said(surveyed: Surveyed, site: Site) -> None:
    images = slices(OTHER, 1)
    for ds in images:
        ds.Manufacturer = "Another Maker"
    site.seed("M1", images, person=OTHER)
    ct = group(surveyed(), "CT")
    assert ct["mixed_vendors"]
    assert sorted(one["scans"] for one in ct["vendors"]) == [1, 1]


def test_unsupported_scans_stand_behind_the_others_by_their_code(surveyed: Surveyed, site: Site) -> None:
    site.seed("R1", [phantom("SR", person=OTHER)], person=OTHER)
    found = surveyed()
    assert [one["code"] for one in found["groups"]] == [None, None, "annotation"]
    assert scan(found, "SR")["thumbnail"] is None


def test_a_file_that_cannot_be_read_or_shown_is_there_without_a_picture(surveyed: Surveyed, site: Site) -> None:
    ds = ultrasound(OTHER)
    ds.PixelData = ds.PixelData[:100]
    site.seed("D1", [ds], person=OTHER)
    (one,) = surveyed("--session", "D1")["scans"]
    assert (one["decision"], one["code"], one["thumbnail"]) == ("hold", "damaged", None)


def test_a_scan_without_files_is_there_as_unsupported(surveyed: Surveyed, site: Site) -> None:
    experiment = site.seed("EMPTY", slices(OTHER, 1), person=OTHER)
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        uri = f"/data/experiments/{experiment}/scans/2/resources/DICOM?removeFiles=true"
        connection.delete(uri, "emptying a scan")
    found = surveyed("--session", "EMPTY")
    (one,) = found["scans"]
    assert (one["decision"], one["code"], one["group"], one["instances"]) == ("unsupported", "no-dicom", "no-dicom", 0)
    (group_,) = found["groups"]
    assert (group_["code"], group_["scans"], group_["undecided"]) == ("no-dicom", 1, 0)


def test_a_second_survey_reads_nothing_that_has_not_changed(surveyed: Surveyed, site: Site) -> None:
    first = surveyed()
    site.staging.clear_requests()
    again = surveyed()
    assert reads(site) == 0
    assert {**again, "made_at": ""} == {**first, "made_at": ""}
    site.seed(f"{PERSON.id}_VISIT", slices(PERSON, 1, series=9), person=PERSON)
    changed = surveyed()
    assert reads(site) == 5
    assert len(changed["scans"]) == len(first["scans"]) + 1


def test_new_templates_count_though_nothing_is_read_anew(surveyed: Surveyed, site: Site) -> None:
    surveyed()
    site.templates()
    assert group(surveyed(), "CT")["undecided"] == 1


@pytest.mark.parametrize("spoiled", ["", "{", "[]", '{"key": 1}', '{"scans": [[{"name": 1}]]}'])
def test_a_cache_that_is_broken_is_read_over(surveyed: Surveyed, site: Site, tmp_path: Path, spoiled: str) -> None:
    first = surveyed()
    for entry in (tmp_path / "cache").glob("*.json"):
        entry.write_text(spoiled)
    site.staging.clear_requests()
    assert {**surveyed(), "made_at": ""} == {**first, "made_at": ""}
    assert reads(site) == 4


def test_what_is_written_is_for_its_owner_only(surveyed: Surveyed, tmp_path: Path) -> None:
    surveyed()
    files = [*(tmp_path / "out").iterdir(), *(tmp_path / "cache").iterdir()]
    assert len(files) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700


def test_without_a_cache_nothing_is_kept(surveyed: Surveyed, tmp_path: Path) -> None:
    surveyed("--no-cache", cache="none")
    assert not (tmp_path / "none").exists()


def test_long_scans_that_have_to_be_fetched_are_sampled_and_say_so(surveyed: Surveyed, site: Site) -> None:
    site.seed("C1", slices(OTHER, 7), person=OTHER)
    site.staging.clear_requests()
    found = surveyed("--session", "C1")
    (one,) = found["scans"]
    assert (one["provisional"], one["instances"], found["provisional"]) == (True, 7, True)
    assert reads(site) == 3


def test_a_folder_is_surveyed_without_any_rules(surveyed: Surveyed, tmp_path: Path) -> None:
    for number, ds in enumerate(slices(OTHER, 4)):
        save(ds, tmp_path / "in" / f"{number}.dcm")
    found = surveyed(source=("--from", f"dir:{tmp_path / 'in'}"))
    (one,) = found["scans"]
    assert (found["source"], one["instances"], one["provisional"], one["code"]) == ("dir", 4, False, "no-template")


def test_a_shared_session_is_not_surveyed(surveyed: Surveyed, site: Site) -> None:
    site.staging.add_project("ELSEWHERE", owner="owner")
    files = [save(ds, site.root / "shared" / "1.dcm") for ds in slices(OTHER, 1)]
    experiment = site.staging.seed_session("ELSEWHERE", OTHER.id, "SHARED1", files)
    site.staging.share_session(experiment, "STAGING")
    found = surveyed()
    assert len(found["scans"]) == 2
    assert len(found["notes"]) == 1


def test_json_lines_and_the_table_name_no_patient(
    typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    out = ("--report", str(tmp_path / "out"), "--no-cache")
    lines = typed("survey", *STAGED, *out, "--json").of("group")
    assert {line["modality"] for line in lines} == {"US", "CT"}
    said = typed("survey", *STAGED, *out)  # `typed` has looked for every word of the session
    assert "US 64x96" in said.out
    assert "surveyed 1 of 1 sessions" in said.err


def test_a_hostile_modality_is_not_printed(typed: Typed, site: Site, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    ds: Dataset = slices(OTHER, 1)[0]
    ds["Modality"] = DataElement("Modality", "CS", "[RED]X", validation_mode=IGNORE)
    ds.Manufacturer = "</script><script>alert(1)</script>"
    site.seed("H1", [ds], person=OTHER)
    said = typed("survey", *STAGED, "--report", str(tmp_path / "out"), "--no-cache")
    assert "[RED]" not in said.out
    assert "??" in said.out
    assert "<script>alert" not in (tmp_path / "out" / "review.html").read_text("utf-8")


def test_a_sop_class_that_is_no_uid_is_quoted_by_no_warning(
    typed: Typed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("xnat_pixelanon.cli.survey.Workers", InProcess)
    ds: Dataset = slices(OTHER, 1)[0]
    ds["SOPClassUID"] = DataElement("SOPClassUID", "UI", "NOBODY^INVENTED", validation_mode=IGNORE)
    save(ds, tmp_path / "in" / "1.dcm")
    recwarn.clear()  # what making the file warned of
    caplog.clear()
    said = typed("survey", "--from", f"dir:{tmp_path / 'in'}", "--report", str(tmp_path / "out"), "--no-cache")
    assert (said.status, [str(one.message) for one in recwarn]) == (0, [])
    assert "NOBODY" not in said.out + said.err


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_cache_folder_of_others_is_refused_and_left_as_it_is(typed: Typed, tmp_path: Path, mode: int) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(mode)
    out = ("--report", str(tmp_path / "out"), "--cache", str(tmp_path / "cache"))
    typed("survey", *STAGED, *out).refuses("others", "--cache")
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == mode


def test_files_that_were_there_become_their_owners_alone(surveyed: Surveyed, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    for name in ("survey.json", "review.html"):
        (tmp_path / "out" / name).write_text("of an earlier day")
        (tmp_path / "out" / name).chmod(0o644)
    surveyed()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").iterdir()} == {0o600}


def test_where_pictures_have_no_more_room_each_group_has_still_its_first_scan(
    surveyed: Surveyed, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        site.seed(f"MORE{number}", slices(OTHER, 2, study=number + 2), person=OTHER)
    site.templates(clean_template())
    everything = surveyed()
    monkeypatch.setattr("xnat_pixelanon.pipeline.surveying.ROOM", 0)
    monkeypatch.setattr("xnat_pixelanon.pipeline.surveying._TOGETHER", 1)
    for found in (surveyed(), surveyed("--no-cache")):
        shown = [bool(one["pictures"]) for one in found["scans"] if one["attributes"]["modality"] == "CT"]
        assert shown == [True, False, False, False, False]
        assert all(one["thumbnail"] is not None for one in found["scans"])
        assert len(found["pictures"]) < len(everything["pictures"])


def test_a_scan_is_as_undecided_as_the_strictest_of_its_images(surveyed: Surveyed, site: Site) -> None:
    site.policy(mixed="per-instance")
    site.templates(clean_template())
    scout = phantom("CT", rows=32, columns=32, person=OTHER, series=2, instance=20, ImageType=["ORIGINAL", "LOCALIZER"])
    large = phantom("CT", rows=48, columns=48, person=OTHER, series=2, instance=21)
    site.seed("SCOUT", [*slices(OTHER, 1), scout, large], person=OTHER)
    found = surveyed("--session", "SCOUT", "--no-cache")
    small = next(one for one in found["scans"] if one["attributes"]["rows"] == "32")
    assert (small["instances"], small["decision"], small["code"]) == (2, "hold", "no-template")


def entries(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "cache").iterdir()}


def delete(site: Site, experiment: str) -> None:
    with connect(Credentials(site.staging.url, OWNER, PASSWORD)) as connection:
        connection.delete(f"/data/projects/STAGING/experiments/{experiment}?removeFiles=true", "deleting a session")


def entries_of(site: Site, tmp_path: Path) -> set[str]:
    """Of the cache, when this site has been surveyed with it too."""
    out = ("--report", str(tmp_path / "out"), "--cache", str(tmp_path / "cache"))
    assert site.command("survey", *STAGED, *out) == 0
    return entries(tmp_path)


def test_what_was_kept_of_a_session_goes_when_the_session_has_gone(
    surveyed: Surveyed, site: Site, tmp_path: Path
) -> None:
    surveyed()
    staying = entries(tmp_path)
    experiment = site.seed("GOES", slices(OTHER, 1), person=OTHER)
    save(slices(OTHER, 1)[0], tmp_path / "in" / "1.dcm")
    folder = ("--from", f"dir:{tmp_path / 'in'}")
    surveyed(source=folder)
    staying |= entries(tmp_path)
    surveyed()
    with_it = entries(tmp_path)
    assert len(with_it) == len(staying) + 1
    delete(site, experiment)
    surveyed("--session", f"{PERSON.id}_VISIT")  # does not see whether others are there
    surveyed(source=folder)  # another source
    assert entries(tmp_path) == with_it
    half = next(iter(with_it - staying)).replace(".json", ".1.part")
    (tmp_path / "cache" / half).write_text("killed")
    (tmp_path / "cache" / "notes.txt").write_text("of the owner")
    surveyed()
    assert entries(tmp_path) == staying | {"notes.txt"}


def test_a_project_of_one_name_on_two_servers_is_two_sources(
    surveyed: Surveyed, site: Site, make_site: Callable[..., Site], tmp_path: Path
) -> None:
    first = surveyed()
    kept = entries(tmp_path)
    second = make_site()
    second.seed("ELSEWHERE", slices(OTHER, 1), person=OTHER)
    assert len(entries_of(second, tmp_path) - kept) == 1
    assert kept < entries(tmp_path)
    site.staging.clear_requests()
    assert surveyed()["scans"] == first["scans"]
    assert reads(site) == 0
