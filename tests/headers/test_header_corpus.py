"""Every DICOM file of pydicom and pydicom-data: proved or refused. No value of theirs is shown."""

from __future__ import annotations

import warnings
import zlib
from collections import Counter
from pathlib import Path

import data_store
import pydicom
from header_makers import reopen, request
from pydicom.errors import InvalidDicomError

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import clean_header, encode_parts, prove_header

DEFLATED = "1.2.840.10008.1.2.1.99"


def files() -> list[Path]:
    folders = (Path(pydicom.__file__).parent / "data", Path(data_store.__file__).parent)
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]


def outcome(path: Path) -> str:
    try:
        source = pydicom.dcmread(path, stop_before_pixels=True)
        syntax = str(source.file_meta.TransferSyntaxUID)
    except (InvalidDicomError, AttributeError, EOFError, ValueError, NotImplementedError):
        return "not a readable DICOM file"
    asked = request(transfer_syntax_uid=syntax, pixels_changed=True, reviewed=True, template_digest="ab" * 32)
    try:
        head, body = encode_parts(clean_header(source, asked).dataset, syntax)
    except InstanceError as error:
        return error.code
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-15)
        body = packer.compress(body) + packer.flush()
    return "proved" if prove_header(source, reopen(head + body), asked).ok else "PROOF FAILED"


def test_every_sample_file_is_proved_or_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        counts = Counter(outcome(path) for path in files())
    print(dict(counts))
    assert set(counts) <= {"proved", "header-refused", "not a readable DICOM file"}
    assert counts["proved"] > 200
