"""The sessions of the demo's staging project: one for every way that a session can go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from pydicom.uid import JPEGBaseline8Bit, XRayRadiationDoseSRStorage

from xnat_pixelanon.sandbox.drawing import Burned
from xnat_pixelanon.sandbox.person import Person
from xnat_pixelanon.sandbox.sample_documents import sample_policy, sample_templates
from xnat_pixelanon.sandbox.sample_public import public_desks
from xnat_pixelanon.sandbox.sample_session import BurnedText, Desk, SampleSession

__all__ = ["BurnedText", "SampleSession", "public_sessions", "sample_policy", "sample_sessions", "sample_templates"]


def sample_sessions(root: Path, *, public: bool = True) -> list[SampleSession]:
    """Write all sample sessions below root; the same bytes every time.

    With `public` also real images that come with pydicom and pydicom-data, under invented names and new UIDs. Their
    pixels may hold text that looks like a real person's: never put them into a picture that is shown.
    """
    made = []
    for study, (kind, make) in enumerate(_SESSIONS.items(), 1):
        desk = Desk(kind, Person.numbered(_PERSONS.get(kind, study)), study)
        make(desk)
        made.append(desk.finish(root))
    return made + public_sessions(root) if public else made


def public_sessions(root: Path) -> list[SampleSession]:
    """The real images among them."""
    return [desk.finish(root) for desk in public_desks(len(_SESSIONS) + 1)]


def arriving_session(root: Path) -> SampleSession:
    """One more, for a demo to archive while everything runs: its images are of a kind that the templates know."""
    desk = Desk("ARRIVING", Person.numbered(_LATE), _LATE)
    _us_cine_borealis(desk)
    return desk.finish(root)


def _us_cine_acme(desk: Desk) -> None:
    """Name line on top: the banner of one maker."""
    banner = Burned(desk.person.banner, (10, 10), 18)
    desk.add("US", banner, rows=480, columns=640, frames=8, Manufacturer="Acme Imaging", BurnedInAnnotation="YES")


def _us_cine_borealis(desk: Desk) -> None:
    """The same size from another maker: the name stands below, the hospital above right."""
    name = Burned(desk.person.banner, (12, 448), 18)
    place = Burned(desk.person.institution, (400, 8), 16)
    desk.add("US", name, place, rows=480, columns=640, frames=8, Manufacturer="Borealis Medical")


def _us_still(desk: Desk) -> None:
    """A colour still with subsampled chroma, and a grey one of another size."""
    banner = Burned(desk.person.banner, (10, 10), 18)
    desk.add("US", banner, rows=480, columns=640, photometric="YBR_FULL_422", BurnedInAnnotation="YES")
    grey = Burned(desk.person.banner, (16, 12), 22)
    desk.add("US", grey, series=2, rows=600, columns=800, photometric="MONOCHROME2")


def _us_palette(desk: Desk) -> None:
    """PALETTE COLOR whose index 0 is not black."""
    banner = Burned(desk.person.banner, (10, 10), 18)
    desk.add("US", banner, rows=480, columns=640, photometric="PALETTE COLOR", Manufacturer="Cirrus Sound", phase=0.2)


def _us_jpeg(desk: Desk) -> None:
    """A compressed cine with the first maker's banner."""
    banner = Burned(desk.person.banner, (10, 10), 18)
    desk.add("US", banner, rows=480, columns=640, frames=12, transfer_syntax=JPEGBaseline8Bit)


def _slices(desk: Desk, modality: str, count: int, series: int, size: int = 256) -> None:
    for slice_ in range(count):
        desk.add(modality, series=series, rows=size, columns=size, phase=slice_ / count)


def _ct(desk: Desk) -> None:
    """Clean axial slices, and a scout with the name in a series of its own."""
    desk.add("CT", Burned(desk.person.banner, (16, 480), 20), series=1, rows=512, columns=512, picture="ct-scout")
    _slices(desk, "CT", 12, series=2)


def _ct_scout_inside(desk: Desk) -> None:
    """The scout sits inside the axial series, with the same size: the trap."""
    desk.add("CT", Burned(desk.person.banner, (6, 8), 13), rows=256, columns=256, picture="ct-scout")
    _slices(desk, "CT", 11, series=1)


def _mr(desk: Desk) -> None:
    """Nothing burned in; two series."""
    _slices(desk, "MR", 8, series=1)
    _slices(desk, "MR", 8, series=2)


def _screen(desk: Desk) -> None:
    """A secondary capture of a workstation."""
    title = Burned(desk.person.banner, (14, 12), 20)
    foot = Burned(f"{desk.person.institution}  {desk.person.accession_number}", (30, 568), 16)
    desk.add("OT", title, foot, rows=600, columns=800, BurnedInAnnotation="YES")


def _radiotherapy(desk: Desk) -> None:
    """A structure set on clean slices; the same patient as another session's."""
    images = [desk.add("CT", rows=256, columns=256, phase=slice_ / 6) for slice_ in range(6)]
    desk.add("RTSTRUCT", series=2, references=images)


def _letter(desk: Desk) -> None:
    """Nothing but a PDF inside DICOM."""
    desk.add("DOC")


def _two_classes(desk: Desk) -> None:
    """A secondary capture in a series of CT slices."""
    _slices(desk, "CT", 3, series=1)
    desk.add("OT", Burned(desk.person.banner, (6, 6), 13), rows=256, columns=256, Modality="CT")


def _two_sizes(desk: Desk) -> None:
    """One series, two sizes."""
    desk.add("DX", Burned(desk.person.banner, (8, 8), 14), rows=400, columns=320)
    desk.add("DX", rows=320, columns=400)


def _dose_report(desk: Desk) -> None:
    """Slices with a dose report beside them."""
    _slices(desk, "CT", 3, series=1)
    desk.add("SR", series=997, sop_class_uid=XRayRadiationDoseSRStorage)


def _xray(desk: Desk) -> None:
    """MONOCHROME1 with the name: the lowest value is white."""
    desk.add("DX", Burned(desk.person.banner, (20, 14), 20), rows=640, columns=512, photometric="MONOCHROME1")


def _angiogram(desk: Desk) -> None:
    """A group that nobody has decided yet."""
    desk.add("XA", Burned(desk.person.banner, (8, 232), 14), rows=256, columns=256, frames=6)


def _says_yes(desk: Desk) -> None:
    """Burned In Annotation says YES, the template says clean."""
    label = Burned(desk.person.banner, (10, 372), 15)
    desk.add("CR", label, rows=400, columns=320, BurnedInAnnotation="YES")


def _key_objects(desk: Desk) -> None:
    """A segmentation and a key object selection on clean slices."""
    images = [desk.add("MR", rows=256, columns=256, phase=slice_ / 4) for slice_ in range(4)]
    desk.add("SEG", series=2, rows=256, columns=256, frames=4, references=images)
    desk.add("KO", series=3, references=images[:1])


def _damaged(desk: Desk) -> None:
    """One of three files lost its end."""
    _slices(desk, "MR", 2, series=1)
    desk.cut(desk.add("MR", rows=256, columns=256))


def _carriers(desk: Desk) -> None:
    """Clean pixels, but the name in an overlay plane, in an icon and in the highest bit of the pixel cells."""
    name = Burned(desk.person.banner, (6, 6), 13)
    desk.add("CT", series=1, rows=256, columns=256, overlay=name, icon=True)
    desk.add("CT", series=2, rows=256, columns=256, embedded=name)


_SESSIONS: Mapping[str, Callable[[Desk], None]] = MappingProxyType(
    {
        "US-CINE-A": _us_cine_acme,
        "US-CINE-B": _us_cine_borealis,
        "US-STILL": _us_still,
        "CT": _ct,
        "CT-SCOUT-INSIDE": _ct_scout_inside,
        "MR": _mr,
        "SCREEN": _screen,
        "RT": _radiotherapy,
        "LETTER": _letter,
        "TWO-CLASSES": _two_classes,
        "TWO-SIZES": _two_sizes,
        "US-JPEG": _us_jpeg,
        "DOSE": _dose_report,
        "DX": _xray,
        "XA": _angiogram,
        "CR-YES": _says_yes,
        "KO-SEG": _key_objects,
        "DAMAGED": _damaged,
        "US-PALETTE": _us_palette,
        "CARRIERS": _carriers,
    }
)
_LATE = 36
"""Number of the study that arrives late, and of its person."""
_PERSONS: Mapping[str, int] = MappingProxyType({"MR": 25, "RT": 4})
"""Where it is not the person of the session's number: a name with an accent, and one patient with two sessions."""
