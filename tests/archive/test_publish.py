"""Publishing into an XNAT project: the plain way, and every trap of the server that could spoil it."""

from __future__ import annotations

import json
import logging
import zipfile
from dataclasses import replace

import pydicom
import pytest
from pydicom.uid import generate_uid

from tests.archive.conftest import SHA, write_dicom
from xnat_pixelanon.archive.clean_project import receipt_bytes
from xnat_pixelanon.archive.inbound import _write_zip
from xnat_pixelanon.archive.ports import Absent, Foreign, Published, Sent, Unfinished
from xnat_pixelanon.domain.session import CleanInstance, CleanScan
from xnat_pixelanon.errors import (
    ChangedError,
    ConflictError,
    LoginError,
    RefusedError,
    ScratchError,
    SessionError,
    TransferError,
)
from xnat_pixelanon.sandbox.faults import Call, Cut, Fault, Status
from xnat_pixelanon.sandbox.settings import Settings

IMPORT = "/data/services/import"
ARCHIVE = "/data/services/archive"


def scratch_is_empty(tmp_path):
    folder = tmp_path / "scratch"
    return not folder.exists() or not list(folder.iterdir())


def test_a_published_session_is_visible_complete_and_has_its_receipt(world, packer, open_gate, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    destination = world.destination()
    destination.check()
    package = packer.package(1, 2)
    assert destination.look(packer.labels, packer.study) == Absent()
    assert destination.publish(package, open_gate, tmp_path / "scratch") == Sent()
    assert destination.look(packer.labels, packer.study) == Published(package.receipt, active=True)
    assert world.visible() == {packer.session: 3}
    assert world.prearchive() == []
    assert scratch_is_empty(tmp_path)
    stored = world.experiment(packer.session).resources["PIXELANON"].folder / "receipt.json"
    assert stored.read_bytes() == receipt_bytes(package.receipt)
    assert packer.session not in caplog.text
    assert packer.study not in caplog.text


def test_checking_and_looking_only_read(world, packer, open_gate, tmp_path):
    destination = world.destination()
    destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    world.sandbox.clear_requests()
    destination.check()
    destination.look(packer.labels, packer.study)
    assert {request.method for request in world.sandbox.requests} == {"GET"}


def test_the_import_is_asked_for_just_as_it_has_to_be(world, packer, open_gate, tmp_path):
    world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    (sent,) = [r for r in world.sandbox.requests if r.path == IMPORT]
    query = dict(part.split("=") for part in sent.query.split("&"))
    assert query["session"].startswith(f"PXA-{packer.session}-")
    assert (query["rename"], query["prevent_auto_commit"], query["import-handler"]) == ("true", "true", "DICOM-zip")
    assert not {"overwrite", "prevent_anon", "Ignore-Unparsable"} & set(query)
    (archived,) = [r for r in world.sandbox.requests if r.path == ARCHIVE]
    assert "quarantine=true" in archived.query
    assert "overwrite" not in archived.query


def test_names_in_the_zip_say_nothing_and_nothing_is_deflated(packer, tmp_path):
    _write_zip(tmp_path / "package.zip", packer.package(1, 2))
    with zipfile.ZipFile(tmp_path / "package.zip") as archive:
        members = archive.infolist()
    assert [member.filename for member in members] == ["1_1.dcm", "1_2.dcm", "2_1.dcm"]
    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}


def test_a_scan_of_two_sop_classes_is_published_with_its_secondary_resource(world, packer, open_gate, tmp_path):
    first = packer.scan(3, count=2)
    capture = tmp_path / "capture.dcm"
    sop = generate_uid()
    write_dicom(
        capture,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.7",
        SOPInstanceUID=sop,
        StudyInstanceUID=packer.study,
        SeriesInstanceUID=first.series_instance_uid,
        SeriesNumber=3,
        InstanceNumber=3,
        PixelData=bytes(16),
    )
    pixels = "374708fff7719dd5979ec875d56cd2286f6d3cf7ec317a3b25632aab28ec37bb"  # SHA-256 of 16 zero bytes
    mixed = CleanScan("3", first.series_instance_uid, (*first.instances, CleanInstance(capture, sop, pixels)))
    packer.scans[3] = (mixed, replace(packer.scans[3][1], instances=3))
    package = packer.package(3)
    assert world.destination().publish(package, open_gate, tmp_path / "scratch") == Sent()
    assert set(world.experiment(packer.session).scans["3"].resources) == {"DICOM", "secondary"}


def test_a_gate_that_refuses_leaves_nothing_at_all(world, packer, tmp_path):
    def refuse():
        raise ChangedError("the policy changed")

    with pytest.raises(ChangedError, match=r"^the policy changed$"):
        world.destination().publish(packer.package(1, 2), refuse, tmp_path / "scratch")
    assert (world.visible(), world.hidden(), world.prearchive()) == ({}, [], [])
    assert scratch_is_empty(tmp_path)
    assert not [r for r in world.sandbox.requests if r.path == ARCHIVE]


def test_an_interrupt_at_the_gate_removes_our_entry(world, packer, tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.destination().publish(packer.package(1, 2), interrupt, tmp_path / "scratch")
    assert world.prearchive() == []


def test_instances_that_an_import_filter_drops_are_missed(new_world, packer, open_gate, tmp_path):
    world = new_world(Settings(series_filter=lambda ds: ds.SeriesNumber != 2))
    with pytest.raises(TransferError, match="took 2 of 3 instances"):
        world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert (world.visible(), world.hidden(), world.prearchive()) == ({}, [], [])


def test_an_import_that_keeps_nothing_and_answers_200_is_noticed(new_world, packer, open_gate, tmp_path):
    world = new_world(Settings(series_filter=lambda ds: False))
    with pytest.raises(TransferError, match="no session came to be"):
        world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch")


def test_files_of_two_studies_in_one_package_are_refused_by_the_number_of_answers(world, packer, open_gate, tmp_path):
    stray = write_dicom(tmp_path / "stray.dcm", SeriesNumber=9)
    scan = packer.scans[2][0]
    bad = replace(scan, instances=(*scan.instances, CleanInstance(stray, "1.2", "x")))
    packer.scans[2] = (bad, packer.scans[2][1])
    with pytest.raises(TransferError, match="2 sessions came to be"):
        world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert world.prearchive() == []


def test_an_upload_that_ends_in_another_project_is_refused(world, packer, open_gate, tmp_path):
    """The account loses its access in the very moment: the data go to the unassigned ones, and the answer says so."""
    world.sandbox.faults.add(Fault(IMPORT, Call(lambda: world.sandbox.set_role("CLEAN", "owner", None))))
    with pytest.raises(TransferError, match="another project") as caught:
        world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert "may be left in the prearchive" in caught.value.message
    assert packer.session not in caught.value.message
    assert world.visible() == {}


def test_an_archive_that_answers_500_and_goes_on_is_waited_for(new_world, packer, open_gate, tmp_path):
    world = new_world(Settings(archive_delay=0.4, archive_timeout=0.05))
    assert world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch") == Sent()
    assert world.visible() == {packer.session: 3}


def test_an_archive_that_never_ends_is_left_to_the_next_run(new_world, packer, open_gate, tmp_path):
    world = new_world(Settings(archive_delay=0.6, archive_timeout=0.05))
    with pytest.raises(SessionError, match="still works on archiving"):
        world.destination(archive=0.1).publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert world.visible() == {}
    destination = world.destination(rival=2.0)
    while destination.look(packer.labels, packer.study) == Absent():
        pass
    assert destination.look(packer.labels, packer.study) == Unfinished()
    assert destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch") == Sent(adopted=True)


def test_the_redirect_of_a_project_that_archives_by_itself_is_a_success(world, packer, open_gate, tmp_path):
    world.sandbox._state.projects["CLEAN"].prearchive_code = 4
    assert world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch") == Sent()
    assert [r.status for r in world.sandbox.requests if r.path == ARCHIVE] == [303]


def set_script(world, script, project="CLEAN"):
    owner = world.connect()
    owner.put(f"/xapi/anonymize/projects/{project}", "x", script.encode(), content_type="text/plain")
    uri = f"/xapi/anonymize/projects/{project}/enabled?enable=true"
    owner.put(uri, "x", content_type="application/json", accepted=(200,))


def test_a_script_that_fails_at_archiving_leaves_nothing_but_an_empty_subject_that_is_named(
    world, packer, open_gate, tmp_path
):
    destination = world.destination()
    set_script(world, 'version "6.1"\nnoSuchFunction[(0010,0010)]\n')
    with pytest.raises(SessionError, match=f"an empty subject {packer.subject} is left"):
        destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert (world.visible(), world.hidden(), world.prearchive()) == ({}, [], [])


def test_pixels_that_the_server_changed_are_seen_in_the_read_back_and_stay_hidden(world, packer, open_gate, tmp_path):
    destination = world.destination()
    packer.scan(1, count=2, shade=200)
    packer.scan(2, shade=200)
    box = '"rectangle","l=0,t=0,r=2,b=2","solid","v=0"'
    set_script(world, f'version "6.1"\nalterPixels[{box}]\n')
    with pytest.raises(SessionError, match="is not what was sent; the session stays hidden"):
        destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert (world.visible(), world.hidden()) == ({}, [packer.session])
    set_script(world, 'version "6.1"\n(0008,0080) := "NONE"\n')
    assert destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch") == Sent()
    assert world.visible() == {packer.session: 3}


def test_only_old_leftovers_of_this_session_are_removed(world, packer, new_packer, open_gate, tmp_path):
    other = new_packer()
    for gone in (packer, other):
        world.sandbox.faults.add(Fault(ARCHIVE, Cut(), times=10_000))
        world.sandbox.faults.add(Fault("prearchive", Status(403), method="DELETE", times=10_000))
        with pytest.raises(TransferError, match="may be left in the prearchive of CLEAN"):
            world.destination().publish(gone.package(1, 2), open_gate, tmp_path / "scratch")
        world.sandbox.faults.clear()
    assert len(world.prearchive()) == 2
    young = world.destination()
    young.publish(new_packer().package(1), open_gate, tmp_path / "scratch")
    young.publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert len(world.prearchive()) == 2, "a young one may belong to a run at work"
    del world.sandbox._state.experiments[world.experiment(packer.session).id]
    world.destination(leftover_age=0.0).publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert [name.startswith(f"PXA-{other.session}-") for name in world.prearchive()] == [True]


def test_a_login_that_dies_midway_ends_the_session_and_the_run_with_one_clear_sentence(
    world, packer, open_gate, tmp_path
):
    destination = world.destination()
    world.sandbox.faults.add(Fault(ARCHIVE, Call(world.sandbox.kill_sessions)))
    with pytest.raises(SessionError, match="no longer accepts the login") as caught:
        destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert isinstance(caught.value, LoginError)
    assert caught.value.exit_code == 3
    assert world.visible() == {}
    assert world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch") == Sent()


@pytest.mark.parametrize("dead", ["html", "guest", "401"])
def test_a_dead_login_never_looks_like_an_empty_project(dead, new_world, packer):
    world = new_world(Settings(dead_session=dead))
    world.sandbox.set_accessibility("CLEAN", "public")
    destination = world.destination()
    world.sandbox.kill_sessions()
    with pytest.raises(TransferError, match="no longer accepts the login"):
        destination.look(packer.labels, packer.study)


def test_rights_that_are_lost_midway_leave_nothing_visible(world, packer, open_gate, tmp_path):
    destination = world.destination()
    world.sandbox.faults.add(
        Fault("PIXELANON$", Call(lambda: world.sandbox.set_role("CLEAN", "owner", "member")), method="PUT")
    )
    with pytest.raises(SessionError):
        destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert (world.visible(), world.hidden()) == ({}, [packer.session])
    world.sandbox.set_role("CLEAN", "owner", "owner")
    assert destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch") == Sent(adopted=True)


def test_a_receipt_that_is_taken_with_200_and_not_stored_is_noticed(world, packer, open_gate, tmp_path):
    """As XNAT answers an account without the right to edit."""

    def lose():
        world.experiment(packer.session).resources["PIXELANON"].entries.clear()

    world.sandbox.faults.add(Fault("receipt.json", Call(lose), method="PUT", nth=None, when="after"))
    with pytest.raises(SessionError, match="stays hidden"):
        world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert (world.visible(), world.hidden()) == ({}, [packer.session])


def test_a_server_that_does_not_activate_is_told_and_the_next_run_finishes(world, packer, open_gate, tmp_path):
    def hide():
        world.experiment(packer.session).status = "quarantine"

    world.sandbox.faults.add(Fault("activate=true", Call(hide), method="PUT", nth=None, when="after"))
    package = packer.package(1, 2)
    with pytest.raises(SessionError, match="did not activate"):
        world.destination().publish(package, open_gate, tmp_path / "scratch")
    world.sandbox.faults.clear()
    destination = world.destination()
    assert destination.look(packer.labels, packer.study) == Published(package.receipt, active=False)
    destination.finish(packer.labels, package.receipt, open_gate, tmp_path / "scratch")
    assert world.visible() == {packer.session: 3}


def test_scratch_that_cannot_be_written_is_named(world, packer, open_gate, tmp_path):
    (tmp_path / "scratch").write_text("a file")
    with pytest.raises(ScratchError, match="scratch"):
        world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert world.prearchive() == []


def test_another_study_under_our_label_is_a_conflict(world, packer, open_gate, tmp_path):
    destination = world.destination()
    destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    assert destination.look(packer.labels, "2.25.1") == Foreign(
        "another study stands in the clean project under our label"
    )


def test_our_study_under_another_label_or_subject_is_a_conflict(world, packer, open_gate, tmp_path):
    destination = world.destination()
    package = packer.package(1, 2)
    destination.publish(package, open_gate, tmp_path / "scratch")
    assert "another label" in destination.look((packer.subject, "OTHER"), packer.study).reason
    assert "another subject" in destination.look(("ELSE", packer.session), packer.study).reason
    assert destination.look((packer.subject.lower(), packer.session), packer.study) == Published(package.receipt, True)
    with pytest.raises(ConflictError, match="another label"):
        destination.publish(replace(package, session_label="OTHER"), open_gate, tmp_path / "scratch")
    assert world.prearchive() == []


def test_a_session_of_another_project_that_is_shared_under_our_label_is_a_conflict(world, packer, open_gate, tmp_path):
    destination = world.destination()
    files = [instance.path for instance in packer.scans[1][0].instances]
    shared = world.sandbox.seed_session("STAGING", packer.subject, packer.session, files)
    world.sandbox.share_session(shared, "CLEAN")
    assert "shared" in destination.look(packer.labels, packer.study).reason


def test_a_visible_session_with_a_receipt_that_is_none_is_foreign_and_a_hidden_one_unfinished(
    world, packer, open_gate, tmp_path
):
    destination = world.destination()
    package = packer.package(1, 2)
    destination.publish(package, open_gate, tmp_path / "scratch")
    stored = world.experiment(packer.session).resources["PIXELANON"].folder / "receipt.json"
    for text in (b"", b"{", b"[]", b'{"schema_version": 1}', receipt_bytes(package.receipt)[:-20]):
        stored.write_bytes(text)
        world.experiment(packer.session).status = "active"
        assert isinstance(destination.look(packer.labels, packer.study), Foreign)
        world.experiment(packer.session).status = "quarantine"
        assert destination.look(packer.labels, packer.study) == Unfinished()
    assert destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch") == Sent(adopted=True)


def test_finishing_activates_what_holds_its_receipt(world, packer, open_gate, tmp_path):
    destination = world.destination()
    package = packer.package(1, 2)
    destination.publish(package, open_gate, tmp_path / "scratch")
    world.unfinished(packer)
    assert destination.look(packer.labels, packer.study) == Published(package.receipt, active=False)
    destination.finish(packer.labels, package.receipt, open_gate, tmp_path / "scratch")
    assert world.visible() == {packer.session: 3}


def test_finishing_takes_back_a_hidden_session_that_is_not_what_its_receipt_says(world, packer, open_gate, tmp_path):
    destination = world.destination()
    package = packer.package(1, 2)
    destination.publish(package, open_gate, tmp_path / "scratch")
    spoil(world, packer)
    with pytest.raises(ConflictError, match="no longer holds"):
        destination.finish(packer.labels, package.receipt, open_gate, tmp_path / "scratch")
    assert world.visible() == {packer.session: 3}
    world.unfinished(packer)
    with pytest.raises(TransferError, match="was taken back"):
        destination.finish(packer.labels, package.receipt, open_gate, tmp_path / "scratch")
    assert destination.look(packer.labels, packer.study) == Absent()
    assert destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch") == Sent()


def spoil(world, packer):
    """One byte of one pixel, in the archive itself."""
    resource = world.experiment(packer.session).scans["1"].resources["DICOM"]
    name, entry = next(iter(resource.entries.items()))
    path = resource.folder / name
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    entry.digest = ""


def test_what_a_person_hid_is_not_shown_again_by_any_run(world, packer, open_gate, tmp_path):
    destination = world.destination()
    package = packer.package(1, 2)
    destination.publish(package, open_gate, tmp_path / "scratch")
    world.hide(packer)
    assert destination.look(packer.labels, packer.study) == Published(package.receipt, active=False, withheld=True)
    packer.scan(3)
    for attempt in (
        lambda: destination.finish(packer.labels, package.receipt, open_gate, tmp_path / "scratch"),
        lambda: destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch"),
        lambda: destination.publish(packer.package(3, after=(1, 2)), open_gate, tmp_path / "scratch"),
    ):
        with pytest.raises(ConflictError, match="somebody hid it"):
            attempt()
        assert (world.visible(), world.hidden()) == ({}, [packer.session])


def test_what_a_person_hid_while_scans_were_on_their_way_to_it_stays_hidden(world, packer, open_gate, tmp_path):
    destination = world.destination()
    destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    packer.scan(3)
    world.sandbox.faults.add(Fault("/services/import", Call(lambda: world.hide(packer)), nth=1))
    with pytest.raises(ConflictError, match="somebody hid it"):
        destination.publish(packer.package(3, after=(1, 2)), open_gate, tmp_path / "scratch")
    assert (world.visible(), world.hidden(), world.prearchive()) == ({}, [packer.session], [])


def test_what_becomes_visible_has_passed_the_gate_just_before(world, packer, refusing_gate, open_gate, tmp_path):
    destination = world.destination()
    package = packer.package(1, 2)
    destination.publish(package, open_gate, tmp_path / "scratch")
    world.unfinished(packer)
    with pytest.raises(RefusedError):
        destination.finish(packer.labels, package.receipt, refusing_gate, tmp_path / "scratch")
    with pytest.raises(RefusedError):
        destination.publish(packer.package(1, 2), refusing_gate, tmp_path / "scratch")
    world.experiment(packer.session).resources["PIXELANON"].entries.clear()
    assert destination.look(packer.labels, packer.study) == Unfinished()
    with pytest.raises(RefusedError):
        destination.publish(packer.package(1, 2), refusing_gate, tmp_path / "scratch")
    assert (world.visible(), world.hidden()) == ({}, [packer.session])


def test_a_run_that_died_before_it_said_that_the_session_is_released_is_made_up_for(world, packer, open_gate, tmp_path):
    destination = world.destination()
    package = packer.package(1, 2)
    destination.publish(package, open_gate, tmp_path / "scratch")
    world.experiment(packer.session).resources["PIXELANON"].entries.pop("released.txt")
    destination.seen_visible(packer.labels, package.receipt)
    world.hide(packer)
    assert destination.look(packer.labels, packer.study) == Published(package.receipt, active=False, withheld=True)


def test_added_scans_leave_the_session_known_as_released(world, packer, open_gate, tmp_path):
    destination = world.destination()
    destination.publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    packer.scan(3)
    more = packer.package(3, after=(1, 2))
    assert destination.publish(more, open_gate, tmp_path / "scratch") == Sent()
    assert world.visible() == {packer.session: 4}
    world.hide(packer)
    assert destination.look(packer.labels, packer.study) == Published(more.receipt, active=False, withheld=True)


def test_finishing_what_is_no_longer_there_is_refused(world, packer, open_gate, tmp_path):
    with pytest.raises(ChangedError):
        world.destination().finish(packer.labels, packer.package(1).receipt, open_gate, tmp_path / "scratch")


def test_scans_are_added_and_the_receipt_grows(world, packer, open_gate, tmp_path):
    destination = world.destination()
    destination.publish(packer.package(1), open_gate, tmp_path / "scratch")
    assert world.visible() == {packer.session: 2}
    assert destination.publish(packer.package(2, after=(1,)), open_gate, tmp_path / "scratch") == Sent()
    assert world.visible() == {packer.session: 3}
    assert destination.look(packer.labels, packer.study) == Published(packer.package(1, 2).receipt, active=True)


def test_adding_to_a_session_that_is_gone_or_grown_otherwise_is_refused(world, packer, open_gate, tmp_path):
    destination = world.destination()
    with pytest.raises(ChangedError, match="is gone"):
        destination.publish(packer.package(2, after=(1,)), open_gate, tmp_path / "scratch")
    packer.scan(3)
    destination.publish(packer.package(1, 3), open_gate, tmp_path / "scratch")
    with pytest.raises(ChangedError, match="no longer the one"):
        destination.publish(packer.package(2, after=(1,)), open_gate, tmp_path / "scratch")
    assert world.visible() == {packer.session: 3}


def test_an_addition_that_fails_leaves_the_session_as_it_was(world, packer, open_gate, tmp_path):
    destination = world.destination()
    destination.publish(packer.package(1), open_gate, tmp_path / "scratch")
    world.sandbox.faults.add(Fault("PIXELANON$", Cut(), method="PUT", nth=None))
    with pytest.raises(SessionError, match="the session is as it was before"):
        destination.publish(packer.package(2, after=(1,)), open_gate, tmp_path / "scratch")
    assert world.visible() == {packer.session: 2}
    assert destination.look(packer.labels, packer.study) == Published(packer.package(1).receipt, active=True)


def test_added_scans_of_a_dead_run_that_are_not_ours_any_more_are_replaced(world, packer, open_gate, tmp_path):
    destination = world.destination()
    destination.publish(packer.package(1), open_gate, tmp_path / "scratch")
    packer.scan(2, shade=50)

    def die():
        world.sandbox.faults.add(Fault(".*", Cut(), nth=None))

    world.sandbox.faults.add(Fault("PIXELANON$", Call(die), method="PUT"))
    with pytest.raises(SessionError):
        destination.publish(packer.package(2, after=(1,)), open_gate, tmp_path / "scratch")
    world.sandbox.faults.clear()
    assert world.visible() == {}, "merging into a visible session hides it"
    packer.scan(2, shade=60)
    assert destination.publish(packer.package(2, after=(1,)), open_gate, tmp_path / "scratch") == Sent()
    assert world.visible() == {packer.session: 3}


def test_the_clean_side_keeps_no_name_of_a_local_file(world, packer, open_gate, tmp_path):
    marked = packer.folder / "Phantom^Ada.dcm"
    scan = packer.scans[2][0]
    scan.instances[0].path.rename(marked)
    moved = replace(scan, instances=(replace(scan.instances[0], path=marked),))
    packer.scans[2] = (moved, packer.scans[2][1])
    world.destination().publish(packer.package(1, 2), open_gate, tmp_path / "scratch")
    names = [name for s in world.experiment(packer.session).scans.values() for name in s.resources["DICOM"].entries]
    assert not [name for name in names if "Ada" in name]


def test_the_receipt_is_plain_json_that_its_schema_accepts(packer):
    document = json.loads(receipt_bytes(packer.package(1, 2).receipt))
    assert document["scans"][0]["policy"] == SHA


@pytest.mark.parametrize("first", [(1, 2), (1,)], ids=["a new session", "an addition"])
def test_an_unfinished_copy_whose_headers_say_more_than_ours_is_never_adopted(
    world, packer, open_gate, tmp_path, first
):
    """The pixels are the same, but an earlier version left something in the headers: taken back and sent anew."""
    scratch = tmp_path / "scratch"
    if first == (1,):
        assert world.destination().publish(packer.package(1), open_gate, scratch) == Sent()
    package = packer.package(2, after=(1,)) if first == (1,) else packer.package(1, 2)
    paths = [one.path for scan in package.scans for one in scan.instances]
    cleaner = {path: path.read_bytes() for path in paths}
    for path in paths:
        ds = pydicom.dcmread(path)
        ds.SeriesDescription = "left by an earlier version"
        ds.save_as(path)
    world.sandbox.faults.add(Fault(".*/receipt.json", Status(500), method="PUT", times=50))
    with pytest.raises(SessionError):
        world.destination().publish(package, open_gate, scratch)
    world.sandbox.faults.clear()
    for path, content in cleaner.items():
        path.write_bytes(content)
    again = packer.package(2, after=(1,)) if first == (1,) else packer.package(1, 2)
    destination = world.destination()
    standing = destination.look(packer.labels, packer.study)
    if first == (1,) and isinstance(standing, Published) and not standing.active:
        destination.finish(packer.labels, standing.receipt, open_gate, scratch)
    assert destination.publish(again, open_gate, scratch) == Sent(adopted=False)
    stored = [item.path for item in world.sandbox.stored() if item.path is not None and item.path.suffix == ".dcm"]
    assert not any("SeriesDescription" in pydicom.dcmread(path) for path in stored)
