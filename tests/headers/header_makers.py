"""Sources and runs for the tests of the headers room. Every identity here is invented."""

from __future__ import annotations

import dataclasses
import io
import warnings
from typing import Any

import pydicom
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from xnat_pixelanon.headers import (
    CleanedHeader,
    HeaderProof,
    HeaderRequest,
    Identity,
    clean_header,
    encode_header,
    prove_header,
)

IDENTITY = Identity.from_keys(bytes(range(32)))
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
STUDY = "1.2.826.0.1.3680043.10.999.1"
SERIES = "1.2.826.0.1.3680043.10.999.2"
INSTANCE = "1.2.826.0.1.3680043.10.999.3"
# Standard sequences that the table leaves alone, to nest things in.
KEPT_SEQUENCES = (0x00089092, 0x00081115, 0x0008114A)


def request(**changes: Any) -> HeaderRequest:
    base = HeaderRequest(
        identity=IDENTITY,
        subject_label="ABCDEFGHIJKLMNOP",
        session_label="QRSTUVWXYZ234567",
        project="CLEAN",
        transfer_syntax_uid=EXPLICIT,
        pixels_changed=False,
        reviewed=False,
        template_digest=None,
        tool_version="0.1.0",
    )
    return dataclasses.replace(base, **changes)


def put(ds: Dataset, tag: int | str, value: Any, vr: str | None = None) -> Dataset:
    """Set an element without pydicom's opinion of the value."""
    number = int(tag_for_keyword(tag) or 0) if isinstance(tag, str) else tag
    with pydicom.config.disable_value_validation():
        ds[number] = DataElement(number, vr or dictionary_VR(number), value)
    return ds


def image(**elements: Any) -> Dataset:
    """A small MR image's header, with the attributes given by keyword on top."""
    ds = Dataset()
    ds.SOPClassUID = UID(MR_IMAGE)
    ds.SOPInstanceUID, ds.StudyInstanceUID, ds.SeriesInstanceUID = UID(INSTANCE), UID(STUDY), UID(SERIES)
    ds.Modality = "MR"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 4, 6, 16, 12, 11
    ds.SamplesPerPixel, ds.PixelRepresentation, ds.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    ds.SeriesNumber, ds.InstanceNumber = "3", "7"
    ds.PixelSpacing = ["0.5", "0.5"]
    for keyword, value in elements.items():
        put(ds, keyword, value)
    return ds


def identified(**elements: Any) -> Dataset:
    """An image with an invented person in the usual places."""
    return image(
        **{
            "PatientName": "Phantom^Ada^B",
            "PatientID": "TEST-0001",
            "PatientBirthDate": "19710203",
            "PatientSex": "F",
            "StudyDate": "20240517",
            "StudyTime": "101112",
            "AccessionNumber": "ACC778899",
            "StudyID": "STU4711",
            "ReferringPhysicianName": "Example^Refer",
            "InstitutionName": "Sample Hospital North",
            "StationName": "NORTHMR1",
            "DeviceSerialNumber": "SN556677",
            "Manufacturer": "Maker Inc",
            "StudyDescription": "Head of Ada Phantom",
            "FrameOfReferenceUID": "1.2.826.0.1.3680043.10.999.9",
            **elements,
        }
    )


def nest(ds: Dataset, inner: Dataset, depth: int = 3) -> Dataset:
    """`inner` inside `depth` sequences of `ds` that the table keeps."""
    for tag in KEPT_SEQUENCES[:depth]:
        ds[tag] = DataElement(tag, "SQ", Sequence([Dataset()]))
        ds = ds[tag].value[0]
    ds.update(inner)
    return ds


def nested(ds: Dataset, depth: int = 3) -> Dataset:
    """What `nest` put there."""
    for tag in KEPT_SEQUENCES[:depth]:
        ds = ds[tag].value[0]
    return ds


def reread(ds: Dataset, syntax: str = EXPLICIT) -> Dataset:
    """`ds` written to a file in memory by pydicom, and read as the pipeline reads."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.MediaStorageSOPClassUID = ds.get("SOPClassUID", UID(MR_IMAGE))
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", UID(INSTANCE))
    ds.file_meta.SourceApplicationEntityTitle = "NORTHAE"
    buffer = io.BytesIO()
    with warnings.catch_warnings(), pydicom.config.disable_value_validation():
        warnings.simplefilter("ignore")
        pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return pydicom.dcmread(io.BytesIO(buffer.getvalue()), stop_before_pixels=True)


def reopen(data: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(data))


def run(source: Dataset, asked: HeaderRequest | None = None) -> tuple[CleanedHeader, Dataset, HeaderProof]:
    """Clean, encode, reopen, prove."""
    asked = asked or request()
    cleaned = clean_header(source, asked)
    written = reopen(encode_header(cleaned.dataset, asked.transfer_syntax_uid))
    return cleaned, written, prove_header(source, written, asked)
