"""The one factory of test images: `phantom(...)` names only what a test is about, the rest is valid by default."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    EncapsulatedPDFStorage,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    KeyObjectSelectionDocumentStorage,
    MRImageStorage,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    XRayAngiographicImageStorage,
)

from xnat_pixelanon.sandbox.drawing import Burned, burn, draw, text_score, text_seen
from xnat_pixelanon.sandbox.person import Person, plant
from xnat_pixelanon.sandbox.phantom_objects import OBJECTS
from xnat_pixelanon.sandbox.phantom_pixels import PixelFormat, add_icon, add_overlay, add_pixels, describe

__all__ = ["Burned", "Person", "phantom", "save", "text_score", "text_seen", "uid"]

_IMPLEMENTATION = "2.25.305828488182831875890203105390285383139"


@dataclass(frozen=True, slots=True)
class _Kind:
    """Defaults of a modality; without a picture it is an object without pixels."""

    sop_class_uid: str
    picture: str | None = None
    photometric: str = "MONOCHROME2"
    bits: tuple[int, int] = (8, 8)
    image_type: tuple[str, ...] = ("ORIGINAL", "PRIMARY")
    cine: str | None = None
    """SOP class of several frames, where it is another one."""


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "CT": _Kind(CTImageStorage, "ct-axial", bits=(16, 12), image_type=("ORIGINAL", "PRIMARY", "AXIAL")),
        "MR": _Kind(MRImageStorage, "mr-head", bits=(16, 12), image_type=("ORIGINAL", "PRIMARY", "M", "SE")),
        "US": _Kind(UltrasoundImageStorage, "ultrasound", "RGB", cine=UltrasoundMultiFrameImageStorage),
        "OT": _Kind(
            SecondaryCaptureImageStorage,
            "screen",
            "RGB",
            image_type=("DERIVED", "SECONDARY"),
            cine=MultiFrameTrueColorSecondaryCaptureImageStorage,
        ),
        "DX": _Kind(DigitalXRayImageStorageForPresentation, "xray", bits=(16, 12)),
        "CR": _Kind(ComputedRadiographyImageStorage, "xray", bits=(16, 12)),
        "XA": _Kind(XRayAngiographicImageStorage, "angiogram", image_type=("ORIGINAL", "PRIMARY", "SINGLE PLANE")),
        "SEG": _Kind(SegmentationStorage, "labels", bits=(1, 1), image_type=("DERIVED", "PRIMARY")),
        "RTSTRUCT": _Kind(RTStructureSetStorage),
        "SR": _Kind(BasicTextSRStorage),
        "KO": _Kind(KeyObjectSelectionDocumentStorage),
        "DOC": _Kind(EncapsulatedPDFStorage),
    }
)


@dataclass(frozen=True, slots=True)
class _Numbers:
    seed: str
    study: int
    series: int
    instance: int


def uid(*parts: str | int) -> UID:
    """A deterministic UID of these parts, under 2.25 (PS3.5 B.2)."""
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:15])}")


def phantom(
    modality: str = "CT",
    *,
    sop_class_uid: str | None = None,
    rows: int = 128,
    columns: int = 128,
    frames: int = 1,
    photometric: str | None = None,
    bits: tuple[int, int] | None = None,
    signed: bool = False,
    planar: int = 0,
    transfer_syntax: str = ExplicitVRLittleEndian,
    picture: str | None = None,
    phase: float = 0.5,
    burned: Burned | tuple[str, tuple[int, int], int] | Sequence[Burned] = (),
    overlay: Burned | None = None,
    embedded: Burned | None = None,
    icon: bool = False,
    person: Person | None = None,
    seed: str = "phantom",
    study: int = 1,
    series: int = 1,
    instance: int = 1,
    references: Sequence[Dataset] = (),
    **attributes: Any,
) -> Dataset:
    """A DICOM instance with an invented person planted in it, for `save`; equal arguments give equal bytes.

    `bits` are (allocated, stored); `picture` one of drawing.PICTURES and `phase` (0..1) its place in the body;
    `burned` is text in the pixels, `overlay` in plane 6000, `embedded` in the highest bit of the pixel cells;
    `references` are the images that an object without pixels names; `attributes` are DICOM keywords set at the end
    (None removes one). UIDs follow from seed and numbers. ValueError for a format that cannot be made, TypeError for
    an unknown keyword.
    """
    kind = _KINDS[modality]
    ds = _common(
        modality, sop_class_uid or _sop_class(kind, frames, photometric), _Numbers(seed, study, series, instance)
    )
    ds.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    who = person or Person()
    plant(ds, who)
    if kind.picture or picture:
        name = picture or kind.picture or "screen"
        drawn = draw(name, rows, columns, frames=frames, phase=phase, seed=_noise_seed(seed, study, series, instance))
        for text in _burned(burned):
            burn(drawn, text)
        ds.ImageType = list(kind.image_type) if name != "ct-scout" else ["ORIGINAL", "PRIMARY", "LOCALIZER"]
        form = _format(kind, photometric, bits, signed, planar, transfer_syntax)
        describe(ds, drawn, form)
        _modality_attributes(ds, modality, frames)
        if overlay:
            add_overlay(ds, Burned(*overlay), form.byte_order)
        if icon:
            add_icon(ds, drawn)
        add_pixels(ds, drawn, form, embedded=Burned(*embedded) if embedded else None)
    if ds.SOPClassUID in OBJECTS:
        OBJECTS[ds.SOPClassUID](ds, who, references)
    _set(ds, attributes)
    return ds


def save(ds: Dataset, path: Path) -> Path:
    """Write the instance as a DICOM file; the folder is made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def _common(modality: str, sop_class_uid: str, numbers: _Numbers) -> Dataset:
    """File meta, SOP Common, General Study, Series and Equipment without anything identifying but UIDs."""
    seed, study, series = numbers.seed, numbers.study, numbers.series
    ds = Dataset()
    ds.SOPClassUID = UID(sop_class_uid)
    ds.SOPInstanceUID = uid(seed, "instance", study, series, numbers.instance)
    ds.StudyInstanceUID = uid(seed, "study", study)
    ds.SeriesInstanceUID = uid(seed, "series", study, series)
    ds.FrameOfReferenceUID = uid(seed, "frame of reference", study)
    ds.Modality = modality
    ds.SeriesNumber = series
    ds.InstanceNumber = numbers.instance
    ds.AcquisitionNumber = 1
    ds.SeriesDescription = f"{modality} series"
    ds.Manufacturer = "Acme Imaging"
    ds.ManufacturerModelName = f"Acme {modality} One"
    ds.SoftwareVersions = ["1.0", "build 7"]
    ds.file_meta = FileMetaDataset()
    ds.file_meta.FileMetaInformationVersion = b"\x00\x01"
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.ImplementationClassUID = UID(_IMPLEMENTATION)
    ds.file_meta.ImplementationVersionName = "PHANTOM_1"
    ds.file_meta.SourceApplicationEntityTitle = "INVENTED_AE"
    return ds


def _sop_class(kind: _Kind, frames: int, photometric: str | None) -> str:
    if frames == 1 or kind.cine is None:
        return kind.sop_class_uid
    if kind.sop_class_uid == SecondaryCaptureImageStorage and (photometric or "").startswith("MONOCHROME"):
        return MultiFrameGrayscaleByteSecondaryCaptureImageStorage
    return kind.cine


def _format(
    kind: _Kind, photometric: str | None, bits: tuple[int, int] | None, signed: bool, planar: int, syntax: str
) -> PixelFormat:
    if photometric is None:
        # RGB inside JPEG Baseline is rare; ultrasound machines write YBR_FULL_422.
        photometric = "YBR_FULL_422" if syntax == JPEGBaseline8Bit and kind.photometric == "RGB" else kind.photometric
    if bits is None:
        plain = photometric.startswith("MONOCHROME") and syntax != JPEGBaseline8Bit
        bits = kind.bits if plain else (8, 8)
    return PixelFormat(photometric, bits, signed, planar, syntax)


def _burned(burned: Burned | tuple[str, tuple[int, int], int] | Sequence[Burned]) -> Iterator[Burned]:
    if burned and isinstance(burned[0], str):
        yield Burned(*burned)
    else:
        yield from (Burned(*one) for one in burned)  # type: ignore[misc]


def _noise_seed(*parts: str | int) -> int:
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:6])


def _modality_attributes(ds: Dataset, modality: str, frames: int) -> None:
    """What makes the image usable: geometry, rescale, window, regions, frame time."""
    if modality in ("CT", "MR"):
        height = -2.5 * ds.InstanceNumber
        ds.ImagePositionPatient = [-120.0, -120.0, height]
        ds.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        ds.PixelSpacing = [240.0 / ds.Rows, 240.0 / ds.Columns]
        ds.SliceThickness, ds.SliceLocation = 2.5, height
    if modality == "CT":
        middle = 0 if ds.PixelRepresentation else 2 ** (ds.BitsStored - 1)
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
        ds.WindowCenter, ds.WindowWidth = middle - 1024, 2**ds.BitsStored
        ds.KVP = 120
    if modality == "MR":
        ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "NONE", "", "2D"
        ds.EchoTime, ds.RepetitionTime, ds.EchoTrainLength = 12, 500, 1
    if modality == "US":
        region = Dataset()
        region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
        region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, ds.Rows // 10
        region.RegionLocationMaxX1, region.RegionLocationMaxY1 = ds.Columns - 1, ds.Rows - 1
        region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
        region.PhysicalDeltaX = region.PhysicalDeltaY = 0.02
        ds.SequenceOfUltrasoundRegions = DicomSequence([region])
    if modality == "OT":
        ds.ConversionType = "WSD"
    if frames > 1 and modality != "SEG":
        ds.FrameTime = 40
        ds.FrameIncrementPointer = 0x00181063


def _set(ds: Dataset, attributes: Mapping[str, Any]) -> None:
    for keyword, value in attributes.items():
        if tag_for_keyword(keyword) is None:
            raise TypeError(f"phantom() knows no argument and DICOM no keyword {keyword!r}")
        if value is None:
            ds.pop(keyword, None)
        else:
            setattr(ds, keyword, value)
    if "SOPInstanceUID" in attributes:
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
