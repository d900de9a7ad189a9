"""What a report says was taken out of a header."""

from __future__ import annotations

import pytest
from header_makers import image, nest, put, request, reread
from pydicom.dataset import Dataset

from xnat_pixelanon.headers import CARRIERS, HeaderMemory, carriers_of, write_header


def icon() -> Dataset:
    return put(Dataset(), "IconImageSequence", [put(Dataset(), "Rows", 2)])


def with_everything() -> Dataset:
    source = image()
    put(source, 0x60020010, 4)
    put(source, 0x50000005, 1)
    source.add_new(0x00290010, "LO", "MAKER HEADER")
    put(source, "UnformattedTextValue", "words on top")
    nest(source, icon())
    source = reread(source)
    source.preamble = b"II*\0" + bytes(124)
    source.file_meta.PrivateInformationCreatorUID = "1.2.3"
    source.file_meta.PrivateInformation = b"words"
    return source


def named(source: Dataset) -> tuple[str, ...]:
    header = write_header(source, request(), HeaderMemory())
    return carriers_of(header.actions, source)


def test_each_carrier_is_named_once_and_in_order() -> None:
    assert named(with_everything()) == CARRIERS


def test_a_plain_header_has_none() -> None:
    assert named(reread(image(PatientName="Phantom^Ada"))) == ()


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_an_icon_is_found_at_any_depth(depth: int) -> None:
    source = image()
    nest(source, icon(), depth)
    assert named(reread(source)) == ("icon images",)


@pytest.mark.parametrize(
    ("tag", "vr", "value", "name"),
    [
        (0x60003000, "OW", b"\1\2", "overlay planes"),
        (0x601E0022, "LO", "words", "overlay planes"),
        (0x50020005, "US", 1, "curves"),
        (0x00110010, "LO", "MAKER", "private elements"),
        (0x60010010, "LO", "MAKER", "private elements"),
        (0x00700006, "ST", "words", "graphic annotations"),
        (0x00700084, "PN", "Creator^Cora", "graphic annotations"),
    ],
)
def test_the_group_says_what_an_element_is(tag: int, vr: str, value: object, name: str) -> None:
    assert named(reread(put(image(), tag, value, vr))) == (name,)


def test_an_element_inside_a_private_or_deep_sequence_counts_by_its_own_tag() -> None:
    source = image()
    nest(source, put(Dataset(), 0x00290010, "MAKER", "LO"))
    assert named(reread(source)) == ("private elements",)


def test_a_source_is_not_touched_and_needs_neither_preamble_nor_file_meta() -> None:
    source = Dataset()
    assert carriers_of((), source) == ()
    assert not hasattr(source, "file_meta")
