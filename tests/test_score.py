"""The scorer on a small corpus: this tool reaches its floors, and everything that is put wrong into a copy is found."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from pydicom import dcmread
from pydicom.dataset import Dataset

import benchmarks.score.__main__ as command
from benchmarks.score import option_sets
from benchmarks.score.answers import DATES_FULL, DATES_MODIFIED, DESCRIPTORS, UIDS, Action, Check, Place
from benchmarks.score.corpus import Corpus, make_corpus
from benchmarks.score.images import KINDS
from benchmarks.score.judge import Result, judge
from benchmarks.score.known import KNOWN, reason
from benchmarks.score.option_sets import BASIC, ROWS, rows_taken
from benchmarks.score.product import run_program, staging
from benchmarks.score.report import report
from benchmarks.score.scores import Score
from xnat_pixelanon.domain.policy import Policy
from xnat_pixelanon.errors import DocumentError

SEED, SESSIONS = 7, 6  # every kind of image once
TAKEN = tuple(ROWS)
"""The rows of which this version's policy takes the options."""
SCORED = (BASIC, "research", "retain-dates-full", "all")
"""Those that are run here: each of the options that are taken is in one of them, and `make score` runs them all."""
DOCUMENT = (Path(__file__).parent.parent / "docs" / "benchmarks.md").read_text("utf-8")
Change = Callable[[Path, Dataset], None]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    return make_corpus(tmp_path_factory.mktemp("score"), SEED, SESSIONS)


@pytest.fixture(scope="module")
def written(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the program wrote with each row's options, by row; once for all test processes of a run."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "scored"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "status.json").exists():
            with staging(corpus, shared / "staging") as server:
                ended = {row: dict(run_program(corpus, server, ROWS[row], shared / row).status) for row in SCORED}
            (shared / "status.json").write_text(json.dumps(ended))
    return shared


def score(row: str, corpus: Corpus, written: Path) -> Score:
    status = json.loads((written / "status.json").read_text())[row]
    return Score(row, ROWS[row], status, judge(corpus, written / row, ROWS[row]))


# The program


@pytest.mark.parametrize("row", SCORED)
def test_the_program_reaches_its_floors_but_for_what_is_known(row: str, corpus: Corpus, written: Path) -> None:
    found = score(row, corpus, written)
    assert found.status == {"folder": 0, "project": 0}
    assert found.instances == len(corpus.sources)
    assert found.all.checks > 2000
    new = Score(row, found.options, found.status, [one for one in found.results if not reason(one)])
    assert new.reaches, report([new], ())
    assert row != BASIC or all(found.of(action).checks for action in Action)
    assert all(found.at(place).checks for place in Place)


def test_what_is_known_to_fail_still_fails_in_some_row(corpus: Corpus, written: Path) -> None:
    failures = [one.check for row in SCORED for one in score(row, corpus, written).failures if reason(one)]
    known = {(check.action, check.place, check.element) for check in failures}
    assert known == set(KNOWN), "a row of known.py that no longer fails has to go"


def test_every_row_that_the_policy_takes_is_scored_and_no_option_is_called_otherwise() -> None:
    assert rows_taken() == TAKEN
    policy = {"schema_version": 1, "destination": {"server": "same", "project": "CLEAN"}}
    scored = {option for row in SCORED for option in ROWS[row]}
    assert scored == {option for row in TAKEN for option in ROWS[row]}
    for name in {option for options in ROWS.values() for option in options}:
        for spelling in {name, name.replace("-", "_"), name.replace("-", " ").title()} - scored:
            with pytest.raises(DocumentError, match="options"):
                Policy.from_document({**policy, "headers": {"options": [spelling]}})


def test_every_option_of_the_issue_has_a_row_of_its_own() -> None:
    assert {options for options in ROWS.values() if len(options) == 1} == {
        (f"{word}",)
        for word in (
            *("retain-safe-private", "retain-uids", "retain-device-identity", "retain-institution-identity"),
            *("retain-patient-characteristics", "retain-dates-full", "retain-dates-modified"),
            *("clean-descriptors", "clean-structured-content", "clean-graphics"),
        )
    }
    assert all({DATES_FULL, DATES_MODIFIED} - set(options) for options in ROWS.values())  # they exclude each other


# The scorer


def test_a_corpus_and_its_key_are_the_same_at_every_run(corpus: Corpus, tmp_path: Path) -> None:
    again = make_corpus(tmp_path, SEED, SESSIONS)
    assert again.checks == corpus.checks
    assert [path.read_bytes() for path in again.sources.values()] == [
        path.read_bytes() for path in corpus.sources.values()
    ]
    assert make_corpus(tmp_path / "other", SEED + 1, SESSIONS).checks != corpus.checks
    assert len({path.parent for path in corpus.sources.values()}) == SESSIONS
    assert {session.route for session in corpus.sessions} == {"folder", "project"}


def test_no_answer_shows_what_was_planted(corpus: Corpus) -> None:
    told = " ".join(repr(check) for check in corpus.checks).casefold()
    assert [word for word in ("phantom", "test-0001", "invented", "inventor") if word in told] == []


def copy_of(written: Path, tmp_path: Path) -> Path:
    shutil.copytree(written / BASIC, tmp_path / "copies")
    return tmp_path / "copies"


def one_of(out: Path, kind: str) -> tuple[int, Path]:
    """Instance Number and copy of an image of this kind; the kinds have sizes of their own."""
    wanted = KINDS[kind].rows, KINDS[kind].columns, KINDS[kind].modality
    for path in sorted(out.rglob("*.dcm")):
        ds = dcmread(path, stop_before_pixels=True)
        if (ds.Rows, ds.Columns, ds.Modality) == wanted:
            return int(ds.InstanceNumber), path
    raise LookupError(f"no copy of a {kind}")


def source_of(corpus: Corpus, number: int) -> Dataset:
    return dcmread(corpus.sources[number])


def set_to(keyword: str, value: object) -> Callable[[Dataset, Dataset], None]:
    def change(ds: Dataset, source: Dataset) -> None:
        setattr(ds, keyword, value)

    return change


def left(*keywords: str) -> Callable[[Dataset, Dataset], None]:
    """The source's elements are where they were."""

    def change(ds: Dataset, source: Dataset) -> None:
        for keyword in keywords:
            ds[keyword] = source[keyword]

    return change


def without(keyword: str) -> Callable[[Dataset, Dataset], None]:
    def change(ds: Dataset, source: Dataset) -> None:
        del ds[keyword]

    return change


def private_left(ds: Dataset, source: Dataset) -> None:
    block = source.private_block(0x0029, "ACME PRIVATE HEADER 1.0")
    ds.private_block(0x0029, "ACME PRIVATE HEADER 1.0", create=True).add_new(0x10, "LO", block[0x10].value)


def nested_left(ds: Dataset, source: Dataset) -> None:
    ds.AnatomicRegionSequence[0].CodeMeaning = source.AnatomicRegionSequence[0].CodeMeaning


def elsewhere(ds: Dataset, source: Dataset) -> None:
    ds.add_new(0x00189999, "LO", str(source.OtherPatientNames))


def dot_in_box(ds: Dataset, source: Dataset) -> None:
    cells = bytearray(ds.PixelData)
    cells[(23 * ds.Columns + 100) * 3] ^= 1
    ds.PixelData = bytes(cells)


def dot_below_box(ds: Dataset, source: Dataset) -> None:
    cells = bytearray(ds.PixelData)
    cells[(24 * ds.Columns + 100) * 3] ^= 1
    ds.PixelData = bytes(cells)


def last_byte(ds: Dataset, source: Dataset) -> None:
    ds.PixelData = ds.PixelData[:-1] + bytes([ds.PixelData[-1] ^ 1])


def overlay_left(ds: Dataset, source: Dataset) -> None:
    for element in (one for one in source if one.tag.group == 0x6000):
        ds[element.tag] = element


def wrong_reference(ds: Dataset, source: Dataset) -> None:
    ds.ReferencedImageSequence[0].ReferencedSOPInstanceUID = "2.25.1"


def false_claim(ds: Dataset, source: Dataset) -> None:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "113105", "DCM", "Clean Descriptors Option"
    ds.DeidentificationMethodCodeSequence.append(item)


def preamble_left(ds: Dataset, source: Dataset) -> None:
    ds.preamble = source.preamble


MUTATIONS = {
    "a name in a description": ("us-rgb", left("PatientComments"), "text_removed", "PatientComments"),
    "a text where nothing lists it": ("us-rgb", left("TransducerData"), "text_removed", "TransducerData"),
    "a typed name": ("us-rgb", left("PatientName"), "text_removed", "PatientName"),
    "a date": ("us-rgb", left("StudyDate"), "date_shifted", "StudyDate"),
    "a birth date": ("us-rgb", left("PatientBirthDate"), "date_shifted", "PatientBirthDate"),
    "a UID": ("us-rgb", left("FrameOfReferenceUID"), "uid_changed", "FrameOfReferenceUID"),
    "a reference to nowhere": (
        "ct",
        wrong_reference,
        "uid_consistent",
        "ReferencedImageSequence.ReferencedSOPInstanceUID",
    ),
    "another's Patient ID": ("us-rgb", set_to("PatientID", "OTHER"), "patid_consistent", "PatientID"),
    "a private element": ("us-rgb", private_left, "text_removed", "(0029,xx10 ACME PRIVATE HEADER 1.0)"),
    "a text in a sequence": ("us-rgb", nested_left, "text_removed", "AnatomicRegionSequence.CodeMeaning"),
    "a name in another element": ("us-rgb", elsewhere, "text_removed", "anywhere in the file"),
    "a name in the preamble": ("us-rgb", preamble_left, "text_removed", "anywhere in the file"),
    "a dot in the box": ("us-rgb", dot_in_box, "pixels_hidden", "PixelData"),
    "a dot below the box": ("us-rgb", dot_below_box, "pixels_retained", "PixelData"),
    "another byte where no box is": ("ct", last_byte, "pixels_retained", "PixelData"),
    "pixels as they were": ("us-jpeg-cine", left("PixelData"), "pixels_hidden", "PixelData"),
    "compressed pixels as they were": ("ot-jpeg2000", left("PixelData"), "pixels_hidden", "PixelData"),
    "runs as they were": ("us-rle", left("PixelData"), "pixels_hidden", "PixelData"),
    "an overlay": ("ct-overlay", overlay_left, "pixels_hidden", "OverlayData"),
    "an icon": ("ct-overlay", left("IconImageSequence"), "pixels_hidden", "IconImageSequence.PixelData"),
    "a lost value": ("us-rgb", set_to("Manufacturer", ""), "text_retained", "Manufacturer"),
    "a lost element": ("us-rgb", without("StudyDate"), "tag_retained", "StudyDate"),
    "an empty value": ("us-rgb", set_to("PatientName", ""), "text_notnull", "PatientName"),
    "a false claim": ("us-rgb", false_claim, "text_removed", "DeidentificationMethodCodeSequence.CodeValue"),
}
"""What is put wrong, into which kind of image, and the action and element that has to fail."""


@pytest.mark.parametrize("name", MUTATIONS)
def test_what_is_put_wrong_into_a_copy_is_found(name: str, corpus: Corpus, written: Path, tmp_path: Path) -> None:
    kind, change, action, element = MUTATIONS[name]
    out = copy_of(written, tmp_path)
    number, path = one_of(out, kind)
    ds = dcmread(path)
    change(ds, source_of(corpus, number))
    ds.save_as(path)
    assert (action, element, number) in new_failures(corpus, out)


def new_failures(corpus: Corpus, out: Path, options: Sequence[str] = ()) -> set[tuple[str, str, int]]:
    results = judge(corpus, out, options)
    return {
        (str(one.check.action), one.check.element, one.check.instance)
        for one in results
        if not one.passed and not reason(one)
    }


def test_two_sources_with_one_new_uid_are_found(corpus: Corpus, written: Path, tmp_path: Path) -> None:
    out = copy_of(written, tmp_path)
    paths = sorted((out / "folder").rglob("*.dcm"))
    first = dcmread(paths[0]).FrameOfReferenceUID
    for path in paths:
        ds = dcmread(path)
        ds.FrameOfReferenceUID = first
        ds.save_as(path)
    assert {element for action, element, _ in new_failures(corpus, out) if action == "uid_consistent"} == {
        "FrameOfReferenceUID"
    }


def test_two_people_with_one_patient_id_are_found(corpus: Corpus, written: Path, tmp_path: Path) -> None:
    out = copy_of(written, tmp_path)
    for path in (out / "folder").rglob("*.dcm"):
        ds = dcmread(path)
        ds.PatientID = "SAME"
        ds.save_as(path)
    assert ("patid_consistent", "PatientID") in {failure[:2] for failure in new_failures(corpus, out)}


def test_a_missing_a_doubled_and_a_strange_copy_fail(corpus: Corpus, written: Path, tmp_path: Path) -> None:
    out = copy_of(written, tmp_path)
    gone, path = one_of(out, "us-rgb")
    path.unlink()
    twice, path = one_of(out, "us-palette")
    shutil.copyfile(path, path.with_name("again.dcm"))
    ds = dcmread(path)
    ds.InstanceNumber = 9
    ds.save_as(path.with_name("strange.dcm"))
    results = judge(corpus, out, ())
    for number, why in ((gone, "no copy"), (twice, "2 copies")):
        assert {one.failure for one in results if one.check.instance == number} == {why}
    assert [one.failure for one in results if one.check.instance == 0] == ["a copy of nothing in the corpus"]


def test_a_name_in_a_file_name_a_label_and_a_receipt_is_found(corpus: Corpus, written: Path, tmp_path: Path) -> None:
    out = copy_of(written, tmp_path)
    number, path = one_of(out, "us-rgb")
    given = corpus.sources[number].name.split("^")[0]
    path.rename(path.with_name(f"{given}.dcm"))
    receipt = path.parents[3] / "receipt.json"
    receipt.write_text(receipt.read_text().replace("{", f'{{"of": "{given}", ', 1))
    places = {one.check.place for one in judge(corpus, out, ()) if one.check.instance == number and not one.passed}
    assert places == {Place.FILE_NAME, Place.RECEIPT}
    subject = path.parents[4]
    subject.rename(subject.with_name(f"{given}-1"))
    places = {one.check.place for one in judge(corpus, out, ()) if one.check.instance == number and not one.passed}
    assert places == {Place.FILE_NAME, Place.RECEIPT, Place.LABEL}


def as_copies(corpus: Corpus, out: Path, change: Change | None = None) -> Path:
    """The sources themselves in the place of copies, as a program would leave them that does nothing but `change`."""
    for number, path in corpus.sources.items():
        ds = dcmread(path)
        if change:
            change(path, ds)
        target = out / corpus.routes[number] / f"S{number}" / "SESSION" / "SCANS" / "1" / "DICOM" / f"{number}.dcm"
        target.parent.mkdir(parents=True)
        ds.save_as(target)
    return out


@pytest.mark.parametrize("row", ROWS)
def test_a_program_that_does_nothing_fails_all_that_has_to_change(row: str, corpus: Corpus, tmp_path: Path) -> None:
    """So every answer of every row can fail, and what options keep is asked for where it was planted."""
    results = judge(corpus, as_copies(corpus, tmp_path), ROWS[row])
    changing = (Action.TEXT_REMOVED, Action.UID_CHANGED, Action.DATE_SHIFTED, Action.PIXELS_HIDDEN)
    spared = (Place.FILE_NAME, Place.RECEIPT, Place.CLAIM)
    passed = [one for one in results if one.passed and one.check.action in changing and one.check.place not in spared]
    assert [(one.check.action, one.check.element) for one in passed] == []
    lost = [one for one in results if not one.passed and one.check.action is Action.TEXT_RETAINED]
    assert {one.check.place for one in lost} == {Place.CLAIM}


@pytest.mark.parametrize(("days", "odd"), [(-30, 0), (-30, 1), (0, 0)])
def test_dates_of_a_person_have_to_move_by_as_much(days: int, odd: int, corpus: Corpus, tmp_path: Path) -> None:
    def shift(path: Path, ds: Dataset) -> None:
        for one in ds.iterall():
            if one.VR in ("DA", "DT") and one.value:
                moved = np.datetime64(f"{one.value[:4]}-{one.value[4:6]}-{one.value[6:8]}") + days
                one.value = str(moved).replace("-", "") + one.value[8:]
        if odd and path == next(iter(corpus.sources.values())):
            ds.ContentDate = ds.StudyDate[:-2] + ("01" if ds.StudyDate[-2:] != "01" else "02")

    results = judge(corpus, as_copies(corpus, tmp_path, shift), (DATES_MODIFIED,))
    # a private sequence in Implicit VR is bytes, which the function above leaves alone
    results = [one for one in results if one.check.place is not Place.PRIVATE]
    failed = [one for one in results if one.check.action is Action.DATE_SHIFTED and not one.passed]
    if not days:
        assert len(failed) == sum(one.check.action is Action.DATE_SHIFTED for one in results)
    else:
        assert [one.check.element for one in failed] == (["ContentDate"] if odd else [])


def test_an_answer_is_asked_only_with_and_without_its_options() -> None:
    check = Check(Action.TEXT_RETAINED, 1, Place.TYPED, needs=frozenset({UIDS, DESCRIPTORS}))
    assert [check.applies(options) for options in ((), (UIDS,), (DATES_FULL,))] == [False, True, False]
    check = Check(Action.TEXT_REMOVED, 1, Place.TYPED, unless=frozenset({UIDS}))
    assert [check.applies(options) for options in ((), (UIDS,), (DATES_FULL,))] == [True, False, True]


# Figures and command


def scored(passed: int, failed: int, *, descriptor: bool, options: tuple[str, ...] = (), status: int = 0) -> Score:
    check = Check(Action.TEXT_REMOVED, 1, Place.TEXT, ("ImageComments",), ("a secret",), descriptor=descriptor)
    results = [Result(check)] * passed + [Result(check, "still there")] * failed
    return Score("a row", options, {"folder": 0, "project": status}, results)


def test_descriptors_have_a_lower_floor_only_where_they_are_cleaned() -> None:
    cleaned = (DESCRIPTORS,)
    assert scored(199, 1, descriptor=True, options=cleaned).reaches
    assert not scored(198, 2, descriptor=True, options=cleaned).reaches
    assert not scored(199, 1, descriptor=False, options=cleaned).reaches
    assert not scored(199, 1, descriptor=True).reaches
    assert scored(200, 0, descriptor=False).reaches
    assert not scored(200, 0, descriptor=False, status=4).reaches
    assert not scored(0, 0, descriptor=False).reaches
    assert scored(199999, 1, descriptor=False).all.percent < Fraction(100)
    assert str(scored(199999, 1, descriptor=False).all) == "99.99"


def test_the_report_lists_failures_by_element_and_action_without_values() -> None:
    text = report([scored(198, 2, descriptor=True)], ["all"])
    assert "- text_removed, free text, ImageComments: still there, 2 times (instances 1, 1)" in text
    assert "secret" not in text
    assert "secret" not in json.dumps(scored(1, 1, descriptor=True).as_dict())
    assert "refuses their options: `all`" in text


def test_the_command_prints_tables_writes_json_and_its_part_of_the_document(
    corpus: Corpus, written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, out = tmp_path / "benchmarks.md", tmp_path / "score.json"
    document.write_text(f"before\n{command.BEGIN}\nold\n{command.END}\nafter\n", "utf-8")
    monkeypatch.setattr(command, "DOCS", document)
    found = [score(row, corpus, written) for row in SCORED]
    monkeypatch.setattr(command, "scored", lambda folder, seed, sessions, rows: iter(found))
    ended = CliRunner().invoke(command.main, ["--out", str(out), "--write-docs"])
    assert ended.exit_code == int(not all(one.reaches for one in found))
    assert re.search(r"^\| pixels_hidden +\| \d+ +\| \d+ +\| 100.00 \|$", ended.stdout, re.MULTILINE)
    text = document.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert ended.stdout in text
    told = json.loads(out.read_text("utf-8"))
    assert [row["row"] for row in told["rows"]] == list(SCORED)
    assert sum(action["checks"] for action in told["rows"][0]["actions"].values()) == told["rows"][0]["checks"]
    whole = [Score(BASIC, (), {}, [one for one in found[0].results if one.passed])]
    monkeypatch.setattr(command, "scored", lambda folder, seed, sessions, rows: iter(whole))
    assert CliRunner().invoke(command.main, []).exit_code == 0


def test_a_row_that_the_policy_refuses_is_told_and_not_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "rows_taken", lambda: (BASIC,))
    ended = CliRunner().invoke(command.main, ["--row", "research"])
    assert ended.exit_code == 1
    assert "refuses the options of research" in ended.output


def test_the_document_names_every_option_action_and_row_of_the_score() -> None:
    command.placed(DOCUMENT, "")
    own = DOCUMENT.split(command.BEGIN)[0] + DOCUMENT.split(command.END)[1]
    options = [option for parameter in command.main.params for option in parameter.opts]
    assert [name for name in (*options, *map(str, Action), *option_sets.ROWS) if f"`{name}" not in own] == []
    with pytest.raises(click.ClickException, match="markers"):
        command.placed("no markers here", "tables")
