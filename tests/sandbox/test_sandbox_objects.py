"""The client with its whole object model, as people use it in scripts of their own."""

from __future__ import annotations

from collections.abc import Callable

import xnat
from conftest import Stage, Study


def test_the_object_model_of_the_client_works(stage: Callable[..., Stage], study: Study) -> None:
    site = stage()
    study.series(1, count=2)
    study.series(2, count=1, Modality="US", SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1")
    site.sandbox.seed_session("P", "S", "L", study.files)
    with xnat.connect(site.sandbox.url, user="owner", password="pw", loglevel="ERROR") as session:
        experiment = session.projects["P"].experiments["L"]
        assert experiment.uid == study.uid
        assert {scan.id: type(scan).__name__ for scan in experiment.scans.values()} == {
            "1": "CtScanData",
            "2": "UsScanData",
        }
        files = next(s for s in experiment.scans.values() if s.id == "1").resources["DICOM"].files
        assert len(files) == 2
        assert int(files[0].size) > 128
        assert session.access_levels == {"P": "Owners"}
        assert session.xnat_version == "1.8.10"
        experiment.delete()
        assert "L" not in session.projects["P"].experiments
