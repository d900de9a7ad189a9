"""Real images of the packages pydicom and pydicom-data as sample sessions, under invented names.

Only what the picture needs is taken over: numbers, codes of VR CS, the pixels and their palettes. Names, texts,
dates, private elements and overlays stay behind; every UID that is not the standard's is a new one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID

from xnat_pixelanon.errors import ConfigurationError
from xnat_pixelanon.sandbox.person import Person, plant
from xnat_pixelanon.sandbox.phantoms import uid
from xnat_pixelanon.sandbox.sample_session import Desk

PUBLIC: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "PUBLIC-CT": ("CT_small.dcm",),
        "PUBLIC-MR": ("MR_small.dcm", "MR_small_expb.dcm", "MR_small_RLE.dcm", "emri_small.dcm"),
        "PUBLIC-US": ("examples_rgb_color.dcm", "examples_palette.dcm"),
        "PUBLIC-US-CINE": ("examples_ybr_color.dcm",),
        "PUBLIC-RT": ("rtplan.dcm",),
    }
)
"""Files of each session; each becomes a series of its own."""

_KEPT_VRS = frozenset(("US", "SS", "UL", "SL", "FL", "FD", "DS", "IS", "CS", "AT"))
_DROPPED_GROUPS = frozenset((0x0010, 0x0012, 0x0032, 0x0038, *range(0x5000, 0x5020), *range(0x6000, 0x6020)))
_BULK = frozenset(("PixelData", *(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue"))))


def public_desks(first_study: int) -> Iterator[Desk]:
    """The public sessions; ConfigurationError when the sample files are not installed."""
    for study, (kind, names) in enumerate(PUBLIC.items(), first_study):
        desk = Desk(kind, Person.numbered(study + 10), study)
        for series, name in enumerate(names, 1):
            desk.keep(_renamed(_installed(name), desk.person, study, series))
        yield desk


def _installed(name: str) -> Path:
    found = get_testdata_file(name, read=False, download=False)
    if not isinstance(found, str):
        raise ConfigurationError(
            f"the sample file {name} is not installed", hint="pip install 'xnat-pixelanon[sandbox]'"
        )
    return Path(found)


def _renamed(path: Path, person: Person, study: int, series: int) -> Dataset:
    source = pydicom.dcmread(path)
    ds = _taken_over(source)
    ds.StudyInstanceUID = uid("public", "study", study)
    ds.SeriesInstanceUID = uid("public", "series", study, series)
    ds.SOPInstanceUID = uid("public", "instance", study, series)
    ds.SeriesNumber, ds.InstanceNumber = series, 1
    ds.SeriesDescription = "public sample"
    ds.Manufacturer = "Public sample"
    plant(ds, person)
    if ds.Modality == "RTPLAN":
        ds.RTPlanLabel = "INVENTED"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.FileMetaInformationVersion = b"\x00\x01"
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = source.file_meta.TransferSyntaxUID
    ds.file_meta.ImplementationClassUID = uid("public", "implementation")
    return ds


def _taken_over(source: Dataset) -> Dataset:
    ds = Dataset()
    for element in source:
        if element.tag.is_private or element.tag.group in _DROPPED_GROUPS:
            continue
        if element.VR == "SQ":
            ds.add_new(element.tag, "SQ", DicomSequence([_taken_over(item) for item in element.value]))
        elif element.VR == "UI":
            ds.add_new(element.tag, "UI", _new_uids(element.value))
        elif element.VR in _KEPT_VRS or element.keyword in _BULK:
            ds.add(element)
    return ds


def _new_uids(value: UID | list[UID] | None) -> list[UID]:
    values = [] if not value else [value] if isinstance(value, str) else list(value)
    return [uid("public", one) if UID(one).is_private else UID(one) for one in values]
