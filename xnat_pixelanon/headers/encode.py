"""From a cleaned data set to the bytes of a file before its pixel element (PS3.10 7.1)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from types import MappingProxyType

from pydicom.charset import default_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_dataset, write_file_meta_info
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers.constants import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS, quiet
from xnat_pixelanon.headers.tree import HEADER_REFUSED, path_of

_PIXEL_GROUP = 0x7FE0
# PS3.5 7.1.2: VRs whose length stands in two bytes.
_SHORT_LENGTHS: Mapping[str, bytes] = MappingProxyType(
    {
        vr: vr.encode("ascii")
        for vr in [
            "AE",
            "AS",
            "AT",
            "CS",
            "DA",
            "DS",
            "DT",
            "FD",
            "FL",
            "IS",
            "LO",
            "LT",
            "PN",
            "SH",
            "SL",
            "SS",
            "ST",
            "TM",
            "UI",
            "UL",
            "US",
        ]
    }
)
_SHORT = struct.Struct("<HH2sH")
_WORDS = frozenset({"OB or OW", "OD", "OF", "OL", "OV", "OW", "US or OW"})


def encode_head(sop_class_uid: str, sop_instance_uid: str, transfer_syntax_uid: str) -> bytes:
    """128 zero bytes, DICM and file meta information from scratch: nothing of the source's but its SOP Class."""
    meta = FileMetaDataset()
    meta.FileMetaInformationGroupLength = 0
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = UID(transfer_syntax_uid)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS_UID)
    meta.ImplementationVersionName = IMPLEMENTATION_VERSION_NAME
    head = DicomBytesIO()
    write_file_meta_info(head, meta, enforce_standard=False)
    return bytes(128) + b"DICM" + head.getvalue()


def encode_element(element: RawDataElement | DataElement, *, implicit_vr: bool, terms: str | list[str] | None) -> bytes:
    """One little endian element, as `encode_parts` encodes it within a data set that is written as it was read.

    `terms`: the Specific Character Set of that data set. A raw element keeps its bytes. Raises what pydicom raises, and
    InstanceError(header-refused) where the byte order of items cannot be changed.
    """
    if isinstance(element, RawDataElement) and not implicit_vr:
        tag, vr, value = element.tag, _SHORT_LENGTHS.get(element.VR or ""), element.value or b""
        if vr is not None and element.length == len(value) <= 0xFFFF:
            return _SHORT.pack(tag >> 16, tag & 0xFFFF, vr, len(value)) + value
    body = DicomBytesIO()
    body.is_implicit_VR, body.is_little_endian = implicit_vr, True
    if isinstance(element, DataElement) and element.VR == "SQ":
        for item in element.value:
            _check_byte_order(item, True)
    write_data_element(body, element, terms or default_encoding)
    return body.getvalue()


def encode_parts(dataset: Dataset, transfer_syntax_uid: str) -> tuple[bytes, bytes]:
    """(128 zero bytes, DICM and file meta; the data set up to its pixel elements).

    In the deflated syntax the second part is not deflated yet: that is for whoever has the pixels, as one stream.
    InstanceError(header-refused) where a value cannot be written in this syntax.
    """
    body = DicomBytesIO()
    body.is_implicit_VR = transfer_syntax_uid == ImplicitVRLittleEndian
    body.is_little_endian = transfer_syntax_uid != ExplicitVRBigEndian
    _check_byte_order(dataset, body.is_little_endian)
    try:
        with quiet():
            head = encode_head(str(dataset.SOPClassUID), str(dataset.SOPInstanceUID), transfer_syntax_uid)
            write_dataset(body, _before_pixels(dataset))
    except PYDICOM_ERRORS:  # without its cause, which quotes the value
        raise InstanceError(HEADER_REFUSED, "a value cannot be written in this transfer syntax") from None
    return head, body.getvalue()


def encode_header(dataset: Dataset, transfer_syntax_uid: str) -> bytes:
    """The file up to its pixel elements. Not for the deflated syntax: see `encode_parts`."""
    if transfer_syntax_uid == DeflatedExplicitVRLittleEndian:
        raise ValueError("the deflated syntax is one stream over header and pixels: use encode_parts")
    return b"".join(encode_parts(dataset, transfer_syntax_uid))


def _before_pixels(dataset: Dataset) -> Dataset:
    tags = sorted(dataset.keys())
    if not tags or tags[-1].group < _PIXEL_GROUP:
        return dataset
    ds = Dataset({tag: dataset.get_item(tag) for tag in tags if tag.group < _PIXEL_GROUP})
    implicit_vr, little_endian = dataset.original_encoding
    ds.set_original_encoding(implicit_vr, little_endian, dataset.original_character_set)
    return ds


def _check_byte_order(dataset: Dataset, little_endian: bool) -> None:
    # pydicom does not swap the bytes of these, and palettes that lost their order would be silently wrong.
    original = dataset.original_encoding[1]
    for tag in sorted(dataset.keys()):
        element = dataset.get_item(tag)
        if element.VR == "SQ" and not element.is_raw:
            for item in element.value:
                _check_byte_order(item, little_endian)
        elif element.VR in _WORDS and original not in (None, little_endian):
            raise InstanceError(HEADER_REFUSED, f"{path_of(tag)} cannot be brought into another byte order")
