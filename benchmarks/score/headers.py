"""What is planted in every header of the corpus, and what has to become of it: from PS3.15 Table E.1-1, by hand.

Nothing here reads the table of the program: an error in it would go into the answers too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.score.answers import (
    DATES_FULL,
    DATES_MODIFIED,
    DESCRIPTORS,
    DEVICE,
    GRAPHICS,
    INSTITUTION,
    PATIENT,
    SAFE_PRIVATE,
    STRUCTURED,
    UIDS,
    Action,
    Path,
    Place,
    Private,
)
from benchmarks.score.planter import Planter
from benchmarks.score.sentences import Fragment, fragments, sentence
from xnat_pixelanon.sandbox.person import Person

_ACME = "ACME PRIVATE HEADER 1.0"
_DESCRIPTORS = (
    "StudyDescription", "SeriesDescription", "ProtocolName", "ImageComments", "PatientComments", "ReasonForStudy",
    "AdditionalPatientHistory", "AcquisitionProtocolDescription", "DerivationDescription", "AcquisitionComments",
    "RequestedProcedureDescription", "PerformedProcedureStepDescription", "StudyComments", "VisitComments",
    "AdmittingDiagnosesDescription",
)  # fmt: skip
_UNLISTED = ("PositionReferenceIndicator", "TransducerData", "ProcessingFunction")
PART_OF_LABEL = "ReceiveCoilName"
"""Holds a patient number that stands nowhere but inside of a longer session label."""
_UNLISTED_SHORT = ("SequenceName", "FilterType", "ConvolutionKernel")
HOME = "7 Imaginary Road, Nowhereville"
_SHORT, _LONG = 16, 64  # characters of SH and LO
_TRAITS = {
    "PatientAge": "067Y", "PatientSize": "1.71", "PatientWeight": "68.4", "EthnicGroup": "INVENTEDGROUP",
    "SmokingStatus": "UNKNOWN",
}  # fmt: skip
_CODES = {
    GRAPHICS: "113103", STRUCTURED: "113104", DESCRIPTORS: "113105", DATES_FULL: "113106", DATES_MODIFIED: "113107",
    PATIENT: "113108", DEVICE: "113109", UIDS: "113110", SAFE_PRIVATE: "113111", INSTITUTION: "113112",
}  # fmt: skip
"""CID 7050: the code that says an option was carried out, and that no copy may have where it was not."""
_STAY_EMPTY = ("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID", "PatientBirthDate")


@dataclass(frozen=True, slots=True)
class Subject:
    """Who an instance belongs to: a key for what has to agree, and what the staging project calls it, if any.

    `labels`: of subject and session. `pixels_change`: whether a rectangle is blackened.
    """

    key: str
    person: Person
    labels: tuple[str, ...] = ()
    project: str = ""
    pixels_change: bool = False


def plant_header(planter: Planter, subject: Subject, references: Sequence[str], rng: random.Random) -> None:
    """All of it but pixels and file name. `references`: SOP Instance UIDs that this instance names."""
    person = subject.person
    _identity(planter, subject)
    _staff_and_places(planter, person)
    _dates(planter, person)
    _traits(planter, person)
    _uids(planter, references)
    _nested(planter, person, rng)
    _private(planter, person, rng)
    _texts(planter, subject, rng)
    _safe(planter)
    _claims(planter)


def _identity(planter: Planter, subject: Subject) -> None:
    """XNAT's site script writes labels over name and number of what it archives: such a header knows only labels."""
    person = subject.person
    name, number = subject.labels or (person.name, person.id)
    planter.removed(Place.TYPED, ("PatientName",), name, (name,))
    planter.removed(Place.TYPED, ("PatientID",), number, (number,))
    values = {
        "IssuerOfPatientID": issuer_of(person), "AccessionNumber": person.accession_number,
        "StudyID": person.study_id, "PatientTelephoneNumbers": person.phone, "PatientAddress": HOME,
        "OtherPatientNames": person.name, "PatientMotherBirthName": person.operator,
        "CurrentPatientLocation": HOME, "CountryOfResidence": "Inventland",
        "ServiceEpisodeID": person.other_id,
    }  # fmt: skip
    for keyword, value in values.items():
        planter.removed(Place.TYPED, (keyword,), value, (value,))
    planter.ask(Action.PATID_CONSISTENT, Place.TYPED, ("PatientID",), required=True)
    planter.ask(Action.PATID_CONSISTENT, Place.LABEL, ("PatientID",), required=True)
    for keyword in ("PatientID", "PatientName"):
        planter.ask(Action.TEXT_NOTNULL, Place.TYPED, (keyword,))


def issuer_of(person: Person) -> str:
    """Who gave the patient number: not called as the institution, which an option keeps."""
    return f"Registry of {person.phone[-4:]} Inventions"


def _staff_and_places(planter: Planter, person: Person) -> None:
    staff = {
        "ReferringPhysicianName": person.referring, "PerformingPhysicianName": person.performing,
        "OperatorsName": person.operator, "PhysiciansOfRecord": person.referring,
        "NameOfPhysiciansReadingStudy": person.performing, "RequestingPhysician": person.referring,
    }  # fmt: skip
    for keyword, value in staff.items():
        planter.removed(Place.TYPED, (keyword,), value, value.split("^"))
    places = (("InstitutionName", person.institution), ("InstitutionAddress", person.address))
    for keyword, value in (*places, ("InstitutionalDepartmentName", person.department)):
        planter.removed(Place.TYPED, (keyword,), value, (value,), stays=(INSTITUTION,), kept=True)
    for keyword, value in (("StationName", person.station), ("DeviceSerialNumber", person.serial)):
        planter.removed(Place.TYPED, (keyword,), value, (value,), stays=(DEVICE,), kept=True)
    for keyword in ("PlateID", "GantryID", "CassetteID"):
        planter.removed(
            Place.TYPED, (keyword,), person.serial[-16:], (person.serial[-16:],), stays=(DEVICE,), kept=True
        )


def _dates(planter: Planter, person: Person) -> None:
    """With the options for dates those of the study stay or are shifted; a birth date never does."""
    planter.date(("PatientBirthDate",), person.birth_date, kept=False)
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "PerformedProcedureStepStartDate"):
        planter.date((keyword,), person.study_date)
    planter.date(("AcquisitionDateTime",), person.study_date + person.study_time)
    day = person.study_date[:6] + f"{1 + int(person.study_date[6:]) % 28:02d}"
    planter.date(("ScheduledProcedureStepStartDate",), day)


def _traits(planter: Planter, person: Person) -> None:
    planter.put(("PatientSex",), person.sex)
    planter.ask(Action.TEXT_RETAINED, Place.TYPED, ("PatientSex",), person.sex, needs=(PATIENT,), required=True)
    for keyword, value in _TRAITS.items():
        planter.removed(Place.TYPED, (keyword,), value, (value,), stays=(PATIENT,), kept=True)


def _uids(planter: Planter, references: Sequence[str]) -> None:
    ds = planter.ds
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        planter.uid((keyword,), str(ds[keyword].value))
    planter.uid(("MediaStorageSOPInstanceUID",), str(ds.SOPInstanceUID), place=Place.META)
    planter.uid(("ReferencedStudySequence", "ReferencedSOPInstanceUID"), str(ds.StudyInstanceUID), place=Place.NESTED,
                required=False)  # fmt: skip
    planter.put(("ReferencedStudySequence", "ReferencedSOPClassUID"), "1.2.840.10008.3.1.2.3.1")
    for number, reference in enumerate(references):
        sequence = ("ReferencedImageSequence", "SourceImageSequence")[number % 2]
        planter.uid((sequence, "ReferencedSOPInstanceUID"), reference, place=Place.NESTED)
        planter.put((sequence, "ReferencedSOPClassUID"), str(ds.SOPClassUID))
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "Modality"):
        planter.ask(Action.TEXT_NOTNULL, Place.TYPED, (keyword,))


def _nested(planter: Planter, person: Person, rng: random.Random) -> None:
    """As phantoms have it, three levels deep, and a sequence that images keep with a text in it."""
    request, physician = "RequestAttributesSequence", "ReferringPhysicianIdentificationSequence"
    for path, value in (
        (("OtherPatientIDsSequence", "PatientID"), person.other_id),
        (("OtherPatientIDsSequence", "IssuerOfPatientID"), issuer_of(person)),
        ((request, "AccessionNumber"), person.accession_number),
        ((request, "RequestedProcedureID"), person.study_id),
        ((request, "ScheduledProcedureStepID"), person.study_id),
        ((physician, "PersonAddress"), HOME),
        ((physician, "PersonTelephoneNumbers"), person.phone),
        ((physician, "PersonIdentificationCodeSequence", "CodeMeaning"), person.referring.replace("^", " ")),
    ):
        planter.removed(Place.NESTED, path, value, (value,))
    planter.put((request, "ReferencedStudySequence", "ReferencedSOPClassUID"), "1.2.840.10008.3.1.2.3.1")
    deep = (request, "ReferencedStudySequence", "ReferencedSOPInstanceUID")
    planter.uid(deep, str(planter.ds.StudyInstanceUID), place=Place.NESTED, required=False)
    said = Fragment(person.spoken)
    head, text = sentence(rng, said)
    path = (request, "ScheduledProcedureStepDescription")
    planter.removed(Place.NESTED, path, text, (said.text,), descriptor=True)
    planter.ask(Action.TEXT_RETAINED, Place.NESTED, path, head, needs=(DESCRIPTORS,), descriptor=True)
    # Anatomic Region Sequence stays: its code says what is seen, and here its meaning says of whom.
    anatomy = "AnatomicRegionSequence"
    planter.retained((anatomy, "CodeValue"), "818981001", place=Place.NESTED)
    planter.put((anatomy, "CodingSchemeDesignator"), "SCT")
    meaning = f"Abdomen {person.spoken}"
    planter.removed(Place.NESTED, (anatomy, "CodeMeaning"), meaning, (person.spoken,))


def _private(planter: Planter, person: Person, rng: random.Random) -> None:
    """A maker's block that nobody vouches for, and two elements of PS3.15 Table E.3.10-1."""
    name = Private(0x0029, _ACME, 0x10)
    inner: Path = (Private(0x0029, _ACME, 0x12, "SQ"), "PatientName")
    planter.removed(Place.PRIVATE, (name,), person.spoken, (person.spoken,))
    planter.removed(Place.PRIVATE, inner, person.name, (person.name,))
    planter.date((inner[0], "PatientBirthDate"), person.birth_date, place=Place.PRIVATE, kept=False)
    note = Private(0x0031, _ACME, 0x20, "UT")
    planter.removed(Place.PRIVATE, (note,), f"{person.id} at {person.born}", (person.id, person.born))
    harmless = Private(0x0031, _ACME, 0x21)
    planter.removed(Place.PRIVATE, (harmless,), "KERNEL-SETTING-7", ("KERNEL-SETTING-7",))
    weighting = Private(0x0019, "SIEMENS MR HEADER", 0x0C, "IS")
    planter.removed(Place.PRIVATE, (weighting,), "1050", ("1050",), stays=(SAFE_PRIVATE,), kept=True)
    factor = Private(0x7053, "Philips PET Private Group", 0x00, "DS")
    planter.removed(Place.PRIVATE, (factor,), "1.2345", ("1.2345",), stays=(SAFE_PRIVATE,), kept=True)


def _texts(planter: Planter, subject: Subject, rng: random.Random) -> None:
    """Descriptors go, or are cleaned; what no profile lists has to go where it holds something, and stays elsewhere."""
    known = fragments(subject.person, str(planter.ds.StudyInstanceUID), subject.labels)
    every = [fragment for kind in known.values() for fragment in kind]
    if subject.labels:  # here the site script has written the project
        planter.removed(Place.TEXT, ("StudyDescription",), subject.project, (subject.project,), descriptor=True)
    for keyword, fragment in zip(_DESCRIPTORS[bool(subject.labels) :], _dealt(rng, known), strict=False):
        head, text = sentence(rng, fragment)
        if len(text) > _LONG:
            head, text = "Control", f"Control {fragment.text}"[:_LONG]
        planter.removed(Place.TEXT, (keyword,), text, (fragment.text,), stays=fragment.stays, descriptor=True)
        if keyword != "DerivationDescription" or not subject.pixels_change:  # else it tells of the rectangles
            planter.ask(Action.TEXT_RETAINED, Place.TEXT, (keyword,), head, needs=(DESCRIPTORS,), descriptor=True)
    for keyword in _UNLISTED:
        fragment = rng.choice([one for one in every if len(one.text) + 5 <= _LONG])
        planter.removed(Place.UNLISTED, (keyword,), f"SN {fragment.text}", (fragment.text,), stays=fragment.stays)
    if subject.labels:
        number = subject.person.id
        planter.removed(Place.UNLISTED, (PART_OF_LABEL,), number, (number,))
    short = [one for one in every if len(one.text) <= _SHORT]
    for keyword in _UNLISTED_SHORT:
        if rng.random() < 0.5:
            planter.retained((keyword,), {"SequenceName": "se2d1", "FilterType": "WEDGE"}.get(keyword, "B30f"))
            continue
        fragment = rng.choice(short)
        planter.removed(Place.UNLISTED, (keyword,), fragment.text, (fragment.text,), stays=fragment.stays)


def _dealt(rng: random.Random, known: Mapping[str, Sequence[Fragment]]) -> Iterator[Fragment]:
    """One fragment of every kind in turn, in an order of chance, so that no kind is left out."""
    kinds = list(known.values())
    while True:
        rng.shuffle(kinds)
        for kind in kinds:
            yield rng.choice(kind)


def _safe(planter: Planter) -> None:
    """What images need and no option touches."""
    ds = planter.ds
    for keyword, value in (
        ("PatientPosition", "HFS"),
        ("BodyPartExamined", "ABDOMEN"),
        ("Manufacturer", "Acme Imaging"),
        ("ManufacturerModelName", f"Acme {ds.Modality} One"),
        ("SoftwareVersions", "7.1"),
        ("Modality", str(ds.Modality)),
        ("SeriesNumber", int(ds.SeriesNumber)),
        ("InstanceNumber", int(ds.InstanceNumber)),
    ):
        planter.retained((keyword,), value)
    for keyword in ("Rows", "Columns", "PhotometricInterpretation", "KVP", "SliceThickness", "PixelSpacing"):
        if keyword in ds:
            planter.ask(Action.TAG_RETAINED, Place.TYPED, (keyword,))
    for keyword in _STAY_EMPTY:
        planter.ask(Action.TAG_RETAINED, Place.TYPED, (keyword,))


def _claims(planter: Planter) -> None:
    """What a copy says of its own cleaning: no more than was done, and no less."""
    codes: Path = ("DeidentificationMethodCodeSequence", "CodeValue")
    claims = {"PatientIdentityRemoved": "YES", "BurnedInAnnotation": "NO"}
    for keyword, value in claims.items():
        planter.ask(Action.TEXT_RETAINED, Place.CLAIM, (keyword,), value, required=True)
    for code in ("113100", "113101"):
        planter.ask(Action.TEXT_RETAINED, Place.CLAIM, codes, code, required=True)
    for option, code in _CODES.items():
        planter.ask(Action.TEXT_REMOVED, Place.CLAIM, codes, code, unless=(option,))
        planter.ask(Action.TEXT_RETAINED, Place.CLAIM, codes, code, needs=(option,), required=True)
    temporal: Path = ("LongitudinalTemporalInformationModified",)
    planter.ask(Action.TEXT_RETAINED, Place.CLAIM, temporal, "REMOVED", unless=(DATES_FULL, DATES_MODIFIED))
    planter.ask(Action.TEXT_RETAINED, Place.CLAIM, temporal, "UNMODIFIED", needs=(DATES_FULL,))
    planter.ask(Action.TEXT_RETAINED, Place.CLAIM, temporal, "MODIFIED", needs=(DATES_MODIFIED,))
