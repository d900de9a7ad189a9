"""The sweep sees what is burned into frames in every transfer syntax that a copy may have."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLossless, JPEGLosslessSV1, RLELossless

from xnat_pixelanon.sandbox.census import StoredItem
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.phantoms import phantom, save
from xnat_pixelanon.sandbox.sample_session import BurnedText, SampleSession
from xnat_pixelanon.sandbox.sweep import Sweep

PERSON = Person.numbered(1)
LOSSLESS = (JPEGLossless, JPEGLosslessSV1)


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB"])
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, JPEGBaseline8Bit, *LOSSLESS])
def test_a_burned_in_name_is_seen(syntax: str, frames: int, photometric: str, tmp_path: Path) -> None:
    native = syntax in LOSSLESS  # the factory does not write these
    wanted = {"transfer_syntax": ExplicitVRLittleEndian if native else syntax, "photometric": photometric}
    if syntax == JPEGBaseline8Bit and photometric == "RGB":
        wanted["photometric"] = "YBR_FULL_422"
    ds = phantom("US", person=PERSON, rows=64, columns=256, frames=frames, burned=(PERSON.banner, (4, 8), 18), **wanted)
    if native:
        pixels = ds.pixel_array if frames > 1 else ds.pixel_array[np.newaxis]
        ds.PixelData = encapsulate(
            [imagecodecs.jpeg8_encode(np.ascontiguousarray(one), lossless=True) for one in pixels]
        )
        ds["PixelData"].is_undefined_length = True
        ds.file_meta.TransferSyntaxUID = syntax
    path = save(ds, tmp_path / "one.dcm")
    burned = (BurnedText(ds.SOPInstanceUID, PERSON.banner, (4, 8), 18),)
    sample = SampleSession("L", "S", (path,), PERSON, burned, ())
    found = Sweep([sample], ()).of([StoredItem("file", "one.dcm", path=path)])
    assert found.frames == frames
    assert sum(leak.what == "burned-in text" for leak in found.leaks) == frames
    assert not any(leak.what == "pixels that cannot be looked at" for leak in found.leaks)
