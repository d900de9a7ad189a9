"""A CT series of an invented person, as a scanner writes it: only a dozen elements differ from file to file."""

from __future__ import annotations

import io
from typing import Any

import pydicom
from header_makers import EXPLICIT, put
from pydicom.datadict import DicomDictionary, dictionary_is_retired
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from xnat_pixelanon.headers.profile import lookup

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ROOT = "1.2.826.0.1.3680043.10.999.20240517"
_VALUES = {"LO": "Plain words", "SH": "SHORT", "CS": "YES", "DS": ["1.25", "2.5"], "IS": "12", "US": 7, "FD": 1.5}
_COMMON = {
    "PatientName": "Phantom^Ada^B",
    "PatientID": "TEST-0001",
    "PatientBirthDate": "19710203",
    "PatientSex": "F",
    "StudyDate": "20240517",
    "StudyTime": "101112",
    "AccessionNumber": "ACC778899",
    "ReferringPhysicianName": "Example^Refer",
    "InstitutionName": "Sample Hospital North",
    "StationName": "NORTHCT1",
    "Manufacturer": "Maker Inc",
    "ManufacturerModelName": "Scanner 64",
    "StudyDescription": "Head of Ada Phantom",
    "SeriesDescription": "axial 5.0",
    "FrameOfReferenceUID": f"{ROOT}.9",
    "KVP": "120",
}
_MORE = (
    "KVP",
    "PatientSex",
    "StudyTime",
    "SeriesDescription",
    "Manufacturer",
    "ManufacturerModelName",
    "ContentTime",
    "StudyDescription",
    "ReferringPhysicianName",
)


def ct_slice(index: int, elements: int = 30, **changes: Any) -> Dataset:
    """Slice `index` of the series, with about `elements` top-level elements (the bare ones are 30)."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.SOPClassUID, ds.Modality, ds.ImageType = UID(CT_IMAGE), "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPInstanceUID = UID(f"{ROOT}.{4000 + index}.{101112000000 + index * 750}.{index}")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = UID(f"{ROOT}.1"), UID(f"{ROOT}.2")
    for keyword, value in _COMMON.items():
        put(ds, keyword, value)
    ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit = 512, 512, 16, 12, 11
    ds.SamplesPerPixel, ds.PixelRepresentation, ds.PhotometricInterpretation = 1, 0, "MONOCHROME2"
    ds.RescaleIntercept, ds.RescaleSlope, ds.PixelSpacing = "-1024", "1", ["0.488281", "0.488281"]
    ds.SeriesNumber, ds.InstanceNumber, ds.SliceLocation = "3", str(index + 1), f"{-120.5 + 5 * index:.3f}"
    ds.ImagePositionPatient = ["-125.000", "-125.000", f"{-120.5 + 5 * index:.3f}"]
    ds.AcquisitionTime, ds.ContentTime = f"1012{index % 60:02d}.{750 * index % 10**6:06d}", f"1013{index % 60:02d}"
    if elements > 50:
        _many(ds, index, elements)
    else:
        for keyword in _MORE[: len(ds) - elements]:
            del ds[keyword]
    for keyword, value in changes.items():
        put(ds, keyword, value)
    return ds


def _many(ds: Dataset, index: int, elements: int) -> None:
    ds.AcquisitionNumber, ds.XRayTubeCurrent, ds.Exposure = "1", str(200 + index % 7), str(100 + index % 5)
    ds.AcquisitionDateTime = f"202405171012{index % 60:02d}.{750 * index % 10**6:06d}"
    ds.InstanceCreationDate, ds.InstanceCreationTime = "20240517", f"1014{index % 60:02d}"
    ds.AcquisitionDate = ds.SeriesDate = ds.ContentDate = "20240517"
    ds.PhysiciansOfRecord, ds.OperatorsName, ds.StudyID = "Record^Rita", "Operator^Olga", "STU4711"
    code = put(put(Dataset(), "CodeValue", "T-A0100"), "CodeMeaning", "Brain")
    put(ds, "ProcedureCodeSequence", [put(code, "CodingSchemeDesignator", "SRT")])
    reference = put(Dataset(), "ReferencedSOPClassUID", "1.2.840.10008.5.1.4.1.1.2")
    put(ds, "ReferencedImageSequence", [put(reference, "ReferencedSOPInstanceUID", f"{ROOT}.3.1")])
    step = put(put(Dataset(), "ScheduledProcedureStepID", "SPS5566"), "ScheduledProcedureStepDescription", "Head")
    put(ds, "RequestAttributesSequence", [step])
    ds.add_new(0x00290010, "LO", "MAKER HEADER")
    for offset in range(20):
        ds.add_new(0x00291000 + offset, "OB", bytes([index % 256, offset]) * 64)
    for tag, (vr, vm, *_) in sorted(DicomDictionary.items()):
        if len(ds) >= elements:
            break
        plain = 0x0018 <= tag >> 16 <= 0x0028 and vr in _VALUES and tag not in ds and lookup(tag) is None
        if plain and not dictionary_is_retired(tag):
            put(ds, tag, _VALUES[vr] if vr != "DS" or vm != "1" else "1.25", vr)


def ct_file(
    ds: Dataset,
    syntax: str = EXPLICIT,
    *,
    undefined: bool = False,
    pixels: bytes = b"\1\2" * 8,
    title: str = "NORTHAE",
) -> bytes:
    """The file of a slice, written by pydicom. `undefined`: sequences and items without lengths, as many write them."""
    if undefined:
        for element in ds:
            if element.VR == "SQ":
                element.is_undefined_length = True
                for item in element.value:
                    item.is_undefined_length_sequence_item = True
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.file_meta.SourceApplicationEntityTitle = title
    put(ds, "PixelData", pixels, "OW")
    buffer = io.BytesIO()
    with pydicom.config.disable_value_validation():
        pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def series(files: int, elements: int = 30, **how: Any) -> list[bytes]:
    return [ct_file(ct_slice(index, elements), **how) for index in range(files)]


def opened(data: bytes) -> Dataset:
    """As the pixels room reads a header, which looks at a few elements of it."""
    ds = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
    for keyword in ("Rows", "Columns", "BitsAllocated", "PhotometricInterpretation", "RescaleSlope", "NumberOfFrames"):
        ds.get(keyword)
    return ds


__all__ = ["CT_IMAGE", "ROOT", "ct_file", "ct_slice", "opened", "series"]
