"""Reading and rewriting one DICOM object the way XNAT's importer does."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import IO

import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.multival import MultiValue
from pydicom.uid import UID, ImplicitVRLittleEndian

from .wire import Refusal

_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_ROUTING = ("PatientComments", "StudyComments", "AdditionalPatientHistory")
# Whatever a damaged file makes pydicom raise while it is being parsed.
PARSE_ERRORS = (InvalidDicomError, ValueError, TypeError, KeyError, AttributeError, OSError, NotImplementedError)


def text_of(ds: Dataset, keyword: str) -> str:
    """The value of an attribute as one string, `\\`-joined; "" when absent. Never raises for an odd value."""
    tag = tag_for_keyword(keyword)
    if tag is None or tag not in ds:
        return ""
    raw = ds.get_item(tag)
    try:
        value = ds[tag].value
    except (ValueError, TypeError, AttributeError, NotImplementedError, LookupError, Warning):
        # An invalid value: XNAT takes the characters as they are.
        stored = raw.value if isinstance(raw, RawDataElement) else b""
        return (stored or b"").decode("latin-1").strip(" \0")
    if value is None:
        return ""
    if isinstance(value, list | tuple | MultiValue):
        return "\\".join(str(part) for part in value).strip()
    return str(value).strip()


def read_object(source: IO[bytes] | Path, name: str) -> FileDataset:
    """One object, whole; 400 when it is not DICOM or names neither its class nor itself."""
    refused = Refusal(400, f"unable to read DICOM object {name}")
    try:
        ds = pydicom.dcmread(source)
        if not (text_of(ds, "SOPClassUID") and text_of(ds, "SOPInstanceUID") and text_of(ds, "StudyInstanceUID")):
            raise refused
    except (*PARSE_ERRORS, Warning) as error:
        raise refused from error
    return ds


def read_header(path: Path) -> FileDataset:
    """A stored object without its pixels."""
    return pydicom.dcmread(path, stop_before_pixels=True)


def write_object(ds: Dataset, target: Path) -> None:
    """Writes an object with a group 2 of the importer's own; the bytes never equal those that came in."""
    old = getattr(ds, "file_meta", FileMetaDataset())
    meta = FileMetaDataset()
    # Kept on purpose: what a sender leaves here is stored (section 6, no. 6).
    for element in old:
        meta.add(element)
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = UID(text_of(ds, "SOPClassUID"))
    meta.MediaStorageSOPInstanceUID = UID(text_of(ds, "SOPInstanceUID"))
    meta.TransferSyntaxUID = old.get("TransferSyntaxUID", ImplicitVRLittleEndian)
    meta.ImplementationClassUID = UID("1.2.40.0.13.1.1.1")
    meta.ImplementationVersionName = "STAND-IN XNAT"
    ds.file_meta = meta
    target.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(target, ds, enforce_file_format=True)


def assignment(ds: Dataset, key: str) -> str:
    """`Project:`, `Subject:`, `Session:` inside the comment attributes (section 4 of the wire contract)."""
    pattern = re.compile(rf"(?:^|[\s,;]){key}\s*:\s*([\w-]*)", re.IGNORECASE)
    for keyword in _ROUTING:
        if (match := pattern.search(text_of(ds, keyword))) and match.group(1):
            return match.group(1)
    return ""


def scan_folder(ds: Dataset) -> str:
    """Name of the folder of a series: its number if the characters allow, else its UID, else `NA`."""
    number = text_of(ds, "SeriesNumber")
    if number and not _UNSAFE.search(number):
        return number
    return _UNSAFE.sub("_", text_of(ds, "SeriesInstanceUID")) or "NA"


def entry_file_name(name: str) -> str:
    """File name made from the last component of a zip entry's name."""
    return _UNSAFE.sub("_", re.split(r"[/\\]", name)[-1])


def template_file_name(ds: Dataset) -> str:
    """The name by the site's template: StudyInstanceUID-SeriesNumber-InstanceNumber-hash.dcm."""
    key = f"{text_of(ds, 'SOPClassUID')}:{text_of(ds, 'SOPInstanceUID')}"
    digest = hashlib.sha1(key.encode(), usedforsecurity=False).hexdigest()[:7]
    parts = [text_of(ds, k) for k in ("StudyInstanceUID", "SeriesNumber", "InstanceNumber")]
    return _UNSAFE.sub("_", "-".join([*parts, digest])) + ".dcm"
