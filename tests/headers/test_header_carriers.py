"""What the report says of carriers that a header lost."""

from __future__ import annotations

from typing import Any

import pytest
from header_makers import identified, image, nest, put, request, reread
from header_series import ct_slice
from pydicom.dataset import Dataset

from xnat_pixelanon.headers import CARRIERS, HeaderAction, HeaderMemory, carriers_of, clean_header, write_header


def told(source: Dataset) -> tuple[str, ...]:
    """What is told of a source, which is the same from both ways of cleaning it."""
    slow = carriers_of(clean_header(source, request()).actions, source)
    assert carriers_of(write_header(source, request(), HeaderMemory()).actions, source) == slow
    return slow


def overlay(ds: Dataset, group: int) -> Dataset:
    put(ds, group << 16 | 0x0010, 2, "US")
    return put(ds, group << 16 | 0x3000, b"\1\2", "OW")


def icon(ds: Dataset) -> Dataset:
    return put(ds, "IconImageSequence", [put(put(Dataset(), "Rows", 1), "Columns", 1)])


def private(ds: Dataset) -> Dataset:
    put(ds, 0x00290010, "MAKER", "LO")
    return put(ds, 0x00291001, b"\1\2", "OB")


CASES: dict[str, Any] = {
    "overlay planes": lambda ds: overlay(ds, 0x6002),
    "curves": lambda ds: put(ds, 0x50003000, b"\1\2", "OW"),
    "icon images": icon,
    "private elements": private,
    "graphic annotations": lambda ds: put(ds, "GraphicAnnotationSequence", [put(Dataset(), "GraphicLayer", "ONE")]),
}


@pytest.mark.parametrize("name", CASES)
def test_each_carrier_is_told_where_it_was_and_is_not_where_it_was_not(name: str) -> None:
    assert told(reread(identified())) == ()
    assert told(reread(CASES[name](identified()))) == (name,)


@pytest.mark.parametrize("name", ["icon images", "private elements", "graphic annotations"])
def test_a_carrier_deep_in_sequences_that_stay_is_told(name: str) -> None:
    assert told(reread(nest_into(CASES[name](Dataset())))) == (name,)


def nest_into(inner: Dataset) -> Dataset:
    ds = image()
    nest(ds, inner)
    return ds


def test_a_preamble_that_says_something_is_told() -> None:
    source = reread(image())
    source.preamble = b"II*\0" + bytes(124)
    assert told(source) == ("preamble",)
    source.preamble = bytes(128)
    assert told(source) == ()
    source.preamble = None
    assert told(source) == ()


def test_private_information_of_the_file_meta_is_told() -> None:
    source = reread(image())
    source.file_meta.PrivateInformationCreatorUID = "1.2.3"
    assert told(source) == ()
    source.file_meta.PrivateInformation = b"words"
    assert told(source) == ("private information of the file meta",)


def test_a_data_set_without_preamble_and_file_meta_has_neither() -> None:
    assert told(ct_slice(0)) == ()


def test_all_are_told_once_and_in_one_order() -> None:
    ds = identified()
    for make in reversed(CASES.values()):
        make(ds)
    source = reread(overlay(overlay(ds, 0x6000), 0x6004))
    source.preamble, source.file_meta.PrivateInformation = b"x" * 128, b"words"
    assert told(source) == CARRIERS


def test_what_stays_or_only_has_new_uids_is_no_carrier() -> None:
    """Who made a segmentation is a person, not a drawing; a fiducial's UID is mapped, and it stays."""
    kept = put(put(identified(), "FiducialUID", "1.2.826.0.1.3680043.10.999.77"), "ContentCreatorName", "Example^Olga")
    assert told(reread(kept)) == ()
    assert carriers_of([HeaderAction("(0088,0200)", "provenance", "set")], Dataset()) == ()
