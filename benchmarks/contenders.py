"""The contenders: each is one function over a corpus folder. It prepares (imports included) and gives the timed part.

The timed part writes one copy of every file into the folder `out`, and returns what it spent in other processes that
still run; what it spent here, and in processes that have ended, is counted by measure.py.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from benchmarks.shapes import Box, Shape


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What was spent in processes that still run: CPU seconds, and the peak resident bytes of the largest.

    `import_bytes`: that peak before the first file.
    """

    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    import_bytes: int = 0


NOTHING = Elsewhere()
Timed = Callable[[], Elsewhere]


@dataclass(frozen=True, slots=True)
class Job:
    """What a contender is given: the corpus, where to write, a scratch folder, and what is to be closed afterwards."""

    shape: Shape
    folder: Path
    out: Path
    scratch: Path
    closing: ExitStack

    @property
    def files(self) -> list[Path]:
        return sorted(self.folder.glob("*.dcm"))

    @property
    def warm(self) -> Path:
        """The folder of the small file that lies beside every corpus."""
        return self.folder.parent / "warm"

    @property
    def boxes(self) -> tuple[Box, ...]:
        return self.shape.boxes

    def copy_of(self, path: Path) -> Path:
        return self.out / path.name


def cp(job: Job) -> Timed:
    """`cp -r` of the folder: what reading and writing the bytes costs at least."""

    def timed() -> Elsewhere:
        subprocess.run(["cp", "-r", job.folder, job.out], check=True)
        return NOTHING

    return timed


def pixels(job: Job) -> Timed:
    """This tool, pixels only: the boxes blackened, the header bytes as they were, no proof."""
    from benchmarks.cleaning import as_a_worker, write_pixels_only

    as_a_worker()

    def timed() -> Elsewhere:
        for path in job.files:
            write_pixels_only(path, job.boxes, job.copy_of(path), job.scratch)
        return NOTHING

    return timed


def complete(job: Job) -> Timed:
    """This tool as a run uses it on a file that was read: Basic profile, boxes, proofs of pixels and header."""
    from benchmarks.cleaning import as_a_worker, clean_all, read_all, tasks_for

    as_a_worker()
    tasks = tasks_for(read_all(job), job)

    def timed() -> Elsewhere:
        clean_all(tasks)
        return NOTHING

    return timed


def with_reading(job: Job) -> Timed:
    """As `complete`, and the reading before it: SHA-256 of the file, facts of the header, walk of the pixel stream."""
    from benchmarks.cleaning import as_a_worker, clean_all, read_all, tasks_for

    as_a_worker()

    def timed() -> Elsewhere:
        clean_all(tasks_for(read_all(job), job))
        return NOTHING

    return timed


def _pool(job: Job, count: int) -> Timed:
    from benchmarks.cleaning import clean_in_pool, read_in_pool, start, tasks_for
    from xnat_pixelanon.pipeline.pool import Workers

    workers = job.closing.enter_context(Workers(count))
    import_bytes = start(workers, count, job)
    tasks = tasks_for(read_in_pool(workers, job), job)

    def timed() -> Elsewhere:
        counted = clean_in_pool(workers, tasks)
        spent, peak = sum(one.cpu_seconds for one in counted), max(one.peak_bytes for one in counted)
        return Elsewhere(spent, peak, import_bytes)

    return timed


def one_worker(job: Job) -> Timed:
    """As `complete`, in the pool of a run with one worker process, which has read the files too."""
    return _pool(job, 1)


def two_workers(job: Job) -> Timed:
    """As `1 worker`, with two of them."""
    return _pool(job, 2)


def naive(job: Job) -> Timed:
    """A loop as it is usually written: dcmread, pixel_array, zeros into the boxes, save_as; output uncompressed."""
    from pydicom import dcmread
    from pydicom.pixels.utils import pixel_array
    from pydicom.uid import ExplicitVRLittleEndian

    def timed() -> Elsewhere:
        for path in job.files:
            data_set = dcmread(path)
            cells = pixel_array(data_set, raw=True)
            if not cells.flags.writeable:
                cells = cells.copy()
            first = cells.ndim - (3 if job.shape.samples == 3 else 2)
            for top, left, bottom, right in job.boxes:
                cells[(slice(None),) * first + (slice(top, bottom), slice(left, right))] = 0
            if data_set.file_meta.TransferSyntaxUID.is_compressed:
                data_set.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
                if data_set.PhotometricInterpretation == "YBR_FULL_422":
                    data_set.PhotometricInterpretation = "YBR_FULL"
                data_set["PixelData"].is_undefined_length = False
            data_set.PixelData = cells.tobytes()
            data_set["PixelData"].VR = "OW" if job.shape.bits_allocated > 8 else "OB"
            data_set.save_as(job.copy_of(path))
        return NOTHING

    return timed


def deid(job: Job) -> Timed:
    """The pixel cleaner of the package deid (DicomCleaner) with a recipe of the same boxes; output uncompressed."""
    from deid.dicom import DicomCleaner  # type: ignore[import-not-found,unused-ignore]

    recipe = job.scratch / "deid.recipe"
    boxes = "\n".join(f"  coordinates {left},{top},{right},{bottom}" for top, left, bottom, right in job.boxes)
    recipe.write_text(f"FORMAT dicom\n\n%filter bench\n\nLABEL Boxes\n  contains Modality CT|US|DX\n{boxes}\n", "utf-8")

    def timed() -> Elsewhere:
        for path in job.files:
            cleaner = DicomCleaner(output_folder=str(job.out), deid=str(recipe))
            cleaner.detect(str(path))
            cleaner.clean()
            cleaner.save_dicom()
        return NOTHING

    return timed


@dataclass(frozen=True, slots=True)
class Contender:
    """`cores`: how many it may run on. `corpora`: those that it runs on; empty for all.

    `in_pool`: it works in processes of its own, and warms them up itself.
    """

    prepare: Callable[[Job], Timed]
    cores: int = 1
    corpora: tuple[str, ...] = ()
    in_pool: bool = False

    @property
    def about(self) -> str:
        return (self.prepare.__doc__ or "").strip()


CONTENDERS: Mapping[str, Contender] = MappingProxyType(
    {
        "cp": Contender(cp),
        "pixels": Contender(pixels),
        "complete": Contender(complete),
        "with reading": Contender(with_reading),
        # two cores for both: the process that hands out the tasks works beside the workers
        "1 worker": Contender(one_worker, 2, ("ct", "ct-250", "ct-2gb", "jpeg-long"), in_pool=True),
        "2 workers": Contender(two_workers, 2, ("ct", "ct-250"), in_pool=True),
        "naive": Contender(naive),
        "deid": Contender(deid),
    }
)


def running_on(corpus: str) -> list[str]:
    """Names of the contenders that run on this corpus, in the order of the table."""
    return [name for name, one in CONTENDERS.items() if not one.corpora or corpus in one.corpora]
