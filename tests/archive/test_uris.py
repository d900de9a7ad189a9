"""Paths from parts: no part changes what a path means."""

from __future__ import annotations

import pytest

from xnat_pixelanon.archive import uris
from xnat_pixelanon.errors import TransferError


@pytest.mark.parametrize("part", [".", ".."])
def test_a_part_that_a_client_would_fold_is_refused(part):
    for make in (uris.path, uris.xapi):
        with pytest.raises(TransferError, match="would name something else"):
            make("experiments", "E1", "scans", part)
    with pytest.raises(TransferError):
        uris.scan_resource("E1", part, "1")


@pytest.mark.parametrize("part", ["...", "a/..", "%2e%2e", "..a"])
def test_any_other_part_stays_one_part(part):
    assert uris.path("scans", part).count("/") == 3
    assert not uris.path("scans", part).endswith("/..")
