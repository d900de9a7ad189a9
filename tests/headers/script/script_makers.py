"""A data set with an invented patient, made by code, and what came of it, as flat as a table needs it."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

from xnat_pixelanon.headers import Identity
from xnat_pixelanon.headers.script import Applied, Surroundings, compile_script

IDENTITY = Identity.from_keys(bytes(range(32)))
VARIABLES = {"project": "CLEAN", "subject": "P0042", "session": "P0042_1"}
SURROUNDINGS = Surroundings(IDENTITY.mapped_uid)


def item(**values: object) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def image() -> Dataset:
    """An MR image of Quux^Zebra: two creators in group 0019, one of them also in 0021, sequences two deep."""
    deep = item(PatientName="Deep^Zebra", ReferencedSOPInstanceUID="2.999.7")
    first = item(PatientName="First^Zebra", ReferencedSOPInstanceUID="2.999.5", StudyDate="20210510")
    second = item(ReferencedSOPInstanceUID="2.999.6", ReferencedImageSequence=Sequence([deep]))
    ds = item(
        SpecificCharacterSet="ISO_IR 100",
        ImageType=["ORIGINAL", "PRIMARY", "M"],
        SOPClassUID="1.2.840.10008.5.1.4.1.1.4",
        SOPInstanceUID="2.999.1.2.3",
        StudyDate="20220228",
        SeriesDate="20220301",
        AcquisitionDateTime="20220228235930.250000",
        StudyTime="081500",
        Modality="MR",
        InstitutionName="Zoölab",
        StudyDescription="Knee left 3",
        ReferencedImageSequence=Sequence([first, second]),
        PatientName="Quux^Zebra",
        PatientID="Q-17",
        PatientBirthDate="19250704",
        PatientAge="096Y",
        PatientComments="Quux^Zebra",
        StudyInstanceUID="2.999.1",
        SeriesInstanceUID="2.999.1.2",
        SeriesNumber=4,
        Rows=48,
        Columns=64,
    )
    one = ds.private_block(0x0019, "TOY MAKER", create=True)
    one.add_new(1, "LO", "wheel")
    one.add_new(2, "LO", "Quux^Zebra")
    ds.private_block(0x0019, "TOY SHOP", create=True).add_new(1, "LO", "shelf")
    ds.private_block(0x0021, "TOY MAKER", create=True).add_new(1, "LO", "axle")
    return ds


def flat(ds: Dataset, prefix: str = "") -> dict[str, str]:
    """Path and value of every element; a sequence is worth the number of its items."""
    found: dict[str, str] = {}
    for tag in sorted(ds.keys()):
        element = ds[tag]
        path = f"{prefix}({tag.group:04X},{tag.element:04X})"
        if element.VR == "SQ":
            found[path] = f"{len(element.value)} items"
            for index, inner in enumerate(element.value):
                found |= flat(inner, f"{path}[{index}].")
        else:
            value = element.value
            found[path] = "\\".join(map(str, value)) if isinstance(value, MultiValue) else str(value or "")
    return found


def differences(before: Dataset, after: Dataset) -> dict[str, str | None]:
    """What is another value afterwards, None for what is gone."""
    old, new = flat(before), flat(after)
    return {path: new.get(path) for path in old | new if old.get(path) != new.get(path)}


def apply(script: str, ds: Dataset | None = None, surroundings: Surroundings = SURROUNDINGS) -> Applied:
    compiled = compile_script(f'version "6.6"\n{script}')
    return compiled.apply(image() if ds is None else ds, VARIABLES, surroundings)
