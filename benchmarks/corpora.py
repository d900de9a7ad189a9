"""Write one corpus: seeded, the same at every run. `python -m benchmarks.corpora NAME FOLDER SCALE`.

    FOLDER/files/NAME-00001.dcm ...   what is measured
    FOLDER/warm/NAME-00000.dcm        one small file of the same kind, to warm up with
    FOLDER/manifest.json              counts and sizes

It runs in a process of its own, so that what it needs in memory is not counted with anybody's.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

from pydicom.encaps import encapsulate

from benchmarks.encoders import ENCODERS
from benchmarks.pictures import frames_of
from benchmarks.scanner import header
from benchmarks.shapes import SHAPES, Manifest, Shape

_WARM_FRAMES = 2


def write_corpus(shape: Shape, folder: Path, scale: float) -> Manifest:
    """Write the corpus into `folder`, which is made; its manifest."""
    files, frames = shape.scaled(scale)
    for name in ("files", "warm"):
        (folder / name).mkdir(parents=True)
    _write(shape, 0, min(frames, _WARM_FRAMES), folder / "warm")
    disk = sum(_write(shape, number, frames, folder / "files") for number in range(1, files + 1))
    manifest = Manifest(files, frames, disk, shape.decoded_bytes(scale))
    (folder / "manifest.json").write_text(json.dumps(manifest.as_dict()), "utf-8")
    return manifest


def _write(shape: Shape, number: int, frames: int, folder: Path) -> int:
    """Write file `number`, its distinct frames again and again; its size in bytes."""
    cells = frames_of(shape, frames, number)
    data_set = header(shape, number, frames)
    path = folder / f"{shape.name}-{number:05d}.dcm"
    encode = ENCODERS.get(shape.transfer_syntax_uid)
    if encode is not None:
        encoded = [encode(frame, shape) for frame in cells]
        data_set.PixelData = encapsulate([encoded[index % len(encoded)] for index in range(frames)])
        data_set["PixelData"].VR = "OB"
        data_set["PixelData"].is_undefined_length = True
    data_set.save_as(path, enforce_file_format=True)
    if encode is None:
        with path.open("ab") as stream:  # frame by frame: 2 GB need not be in memory
            vr = b"OW" if shape.bits_allocated > 8 else b"OB"
            stream.write(struct.pack("<HH2sHL", 0x7FE0, 0x0010, vr, 0, frames * shape.frame_bytes))
            for index in range(frames):
                stream.write(cells[index % len(cells)].data)
    return path.stat().st_size


if __name__ == "__main__":
    name, folder, scale = sys.argv[1:]
    write_corpus(SHAPES[name], Path(folder), float(scale))
