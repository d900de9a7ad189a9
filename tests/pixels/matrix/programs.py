"""Run the programs that encode and judge: those of libjpeg-turbo and of dcmtk. One that is missing is an error."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

# All that dcmtk has to know of the files here: reading its whole dictionary takes three quarters of each run's time.
_DICTIONARY = """\
(0002,0000) UL FileMetaInformationGroupLength
(0002,0001) OB FileMetaInformationVersion
(0002,0002) UI MediaStorageSOPClassUID
(0002,0003) UI MediaStorageSOPInstanceUID
(0002,0010) UI TransferSyntaxUID
(0002,0012) UI ImplementationClassUID
(0002,0013) SH ImplementationVersionName
(0008,0005) CS SpecificCharacterSet
(0008,0008) CS ImageType
(0008,0016) UI SOPClassUID
(0008,0018) UI SOPInstanceUID
(0008,0100) SH CodeValue
(0008,0102) SH CodingSchemeDesignator
(0008,0104) LO CodeMeaning
(0008,2111) ST DerivationDescription
(0008,2112) SQ SourceImageSequence
(0008,9215) SQ DerivationCodeSequence
(0028,0002) US SamplesPerPixel
(0028,0004) CS PhotometricInterpretation
(0028,0006) US PlanarConfiguration
(0028,0008) IS NumberOfFrames
(0028,0010) US Rows
(0028,0011) US Columns
(0028,0100) US BitsAllocated
(0028,0101) US BitsStored
(0028,0102) US HighBit
(0028,0103) US PixelRepresentation
(0028,2110) CS LossyImageCompression
(0028,2112) DS LossyImageCompressionRatio
(0028,2114) CS LossyImageCompressionMethod
(7FE0,0010) px PixelData
(FFFE,E000) na Item
(FFFE,E00D) na ItemDelimitationItem
(FFFE,E0DD) na SequenceDelimitationItem
"""


def run(program: str, *arguments: str | Mapping[str, str], input: bytes = b"") -> bytes:
    """Standard output; AssertionError where the program fails. A mapping is a file to be made: its name and text."""
    with tempfile.TemporaryDirectory() as folder:
        return _run([program, *(_given(one, Path(folder)) for one in arguments)], {}, input)


def _given(argument: str | Mapping[str, str], folder: Path) -> str:
    if isinstance(argument, str):
        return argument
    ((name, text),) = argument.items()
    (folder / name).write_text(text)
    return str(folder / name)


def run_dcmtk(program: str, *options: str, source: Path, out: Path) -> Path:
    """Give `out`, written by one of dcmtk's converters from `source`."""
    dictionary = out.parent / "dcmtk.dic"
    if not dictionary.exists():
        lines = (line.split(" ") for line in _DICTIONARY.splitlines())
        dictionary.write_text("".join(f"{tag}\t{vr}\t{name}\t1\tDICOM\n" for tag, vr, name in lines))
    _run([program, *options, str(source), str(out)], {"DCMDICTPATH": str(dictionary)}, b"")
    return out


def _run(command: list[str], environment: Mapping[str, str], input: bytes) -> bytes:
    done = subprocess.run(command, input=input, capture_output=True, env={**os.environ, **environment}, check=False)
    assert done.returncode == 0, f"{command[0]} failed: {done.stderr.decode(errors='replace')[:300]}"
    return done.stdout
