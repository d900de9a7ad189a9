"""Invented people, and where a header carries them: typed fields, free text, private elements, nested sequences."""

from __future__ import annotations

from dataclasses import dataclass, fields

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID

_GIVEN_NAMES = (
    *("Adelheid", "Balthasar", "Clothilde", "Dagobert", "Eulalia", "Ferdinand", "Gundula", "Hildebert", "Isabeau"),
    *("Jolanthe", "Kunigunde", "Leopoldine", "Melchior", "Notburga", "Ottokar", "Philomena", "Quirinus", "Rosamunde"),
    *("Sidonie", "Theobald", "Ursulina", "Valeria", "Wendelin", "Xaverina", "Žofie", "Zacharias"),
    *("Amaryllis", "Bonifatius", "Crescentia", "Desiderius", "Engelbert", "Florentine", "Godefroy", "Hyacinth"),
    *("Ignatius", "Jocasta"),
)
_PRIVATE_GROUP = 0x0029
_PRIVATE_CREATOR = "ACME PRIVATE HEADER 1.0"


@dataclass(frozen=True, slots=True)
class Person:
    """One invented patient with the study, place and staff around them; every field but `sex` is identifying."""

    name: str = "Phantom^Ada"
    id: str = "TEST-0001"
    other_id: str = "FORMER-TEST-0001"
    birth_date: str = "19530217"
    sex: str = "F"
    accession_number: str = "ACC-TEST-0001"
    study_id: str = "STUDY-TEST-0001"
    study_date: str = "20230411"
    study_time: str = "101530.417000"
    institution: str = "Invented Hospital"
    address: str = "1 Nowhere Lane, Inventown"
    department: str = "Department of Imaginary Imaging"
    phone: str = "+00 5550100 0001"
    referring: str = "Inventor^Ruth-Elinor"
    performing: str = "Fabricator^Paulinus"
    operator: str = "Makebelieve^Ottilie"
    station: str = "INVSTATION0001"
    serial: str = "SERIAL-TEST-0001"

    @classmethod
    def numbered(cls, number: int) -> Person:
        """The invented person of this number, from 1; names of at least five letters, so that no chance finds them."""
        given = _GIVEN_NAMES[(number - 1) % len(_GIVEN_NAMES)]
        return cls(
            name=f"Phantom^{given}",
            id=f"TEST-{number:04d}",
            other_id=f"FORMER-TEST-{number:04d}",
            birth_date=f"19{40 + number % 50:02d}{1 + number % 12:02d}{1 + number % 28:02d}",
            sex="FM"[number % 2],
            accession_number=f"ACC-TEST-{number:04d}",
            study_id=f"STUDY-TEST-{number:04d}",
            study_date=f"2023{1 + (number * 5) % 12:02d}{1 + (number * 11) % 28:02d}",
            study_time=f"10{number % 60:02d}30.417{number % 1000:03d}",
            institution=f"Invented Hospital {number:03d}",
            phone=f"+00 5550100 {number:04d}",
            station=f"INVSTATION{number:04d}",
            serial=f"SERIAL-TEST-{number:04d}",
        )

    @property
    def spoken(self) -> str:
        """Given and family name as free text has them."""
        return " ".join(reversed(self.name.split("^")))

    @property
    def banner(self) -> str:
        """A line as machines burn it into the picture."""
        return f"{self.name.replace('^', ', ').upper()}  {self.id}"

    @property
    def born(self) -> str:
        """Birth date in ISO form, as free text has it."""
        return f"{self.birth_date[:4]}-{self.birth_date[4:6]}-{self.birth_date[6:]}"

    def strings(self) -> tuple[str, ...]:
        """Everything to sweep for, longest first; `plant` puts each into the header at least once.

        Compare names ignoring case, and the digits of dates with non-digits around them: eight digits may occur in a
        UID by chance. A three-letter name part (only in the default person) occurs by chance in binary data.
        """
        found = {getattr(self, one.name) for one in fields(self) if one.name != "sex"}
        names = (self.name, self.referring, self.performing, self.operator)
        found |= {part for name in names for part in name.split("^")}
        found |= {self.spoken, self.born}
        return tuple(sorted(found, key=lambda text: (-len(text), text)))


def plant(ds: Dataset, person: Person) -> None:
    """Write the person into all places of `ds` where real headers carry one; replaces what those places held."""
    ds.SpecificCharacterSet = "ISO_IR 100" if person.name.isascii() else "ISO_IR 192"
    _typed(ds, person)
    _free_text(ds, person)
    _nested(ds, person)
    _private(ds, person)


def _typed(ds: Dataset, person: Person) -> None:
    ds.PatientName = person.name
    ds.PatientID = person.id
    ds.IssuerOfPatientID = person.institution
    ds.PatientBirthDate = person.birth_date
    ds.PatientSex = person.sex
    ds.AccessionNumber = person.accession_number
    ds.StudyID = person.study_id
    for kind in ("Study", "Series", "Acquisition", "Content"):
        setattr(ds, f"{kind}Date", person.study_date)
        setattr(ds, f"{kind}Time", person.study_time)
    ds.InstitutionName = person.institution
    ds.InstitutionAddress = person.address
    ds.InstitutionalDepartmentName = person.department
    ds.PatientTelephoneNumbers = person.phone
    ds.ReferringPhysicianName = person.referring
    ds.PerformingPhysicianName = person.performing
    ds.OperatorsName = person.operator
    ds.StationName = person.station
    ds.DeviceSerialNumber = person.serial


def _free_text(ds: Dataset, person: Person) -> None:
    ds.StudyDescription = "Invented study"
    ds.ImageComments = f"{person.spoken}, born {person.born}, seen at {person.institution}"
    ds.PatientComments = f"Called {person.phone} about {person.id}"
    ds.AdditionalPatientHistory = f"Known to {person.referring} since {person.study_date}"
    # A technical attribute that no profile table lists: only a search for the person's strings finds it.
    ds.PositionReferenceIndicator = f"SN {person.id}"


def _nested(ds: Dataset, person: Person) -> None:
    former = Dataset()
    former.PatientID = person.other_id
    former.IssuerOfPatientID = person.institution
    former.TypeOfPatientID = "TEXT"
    ds.OtherPatientIDsSequence = DicomSequence([former])

    study = Dataset()
    study.ReferencedSOPClassUID = UID("1.2.840.10008.3.1.2.3.1")
    study.ReferencedSOPInstanceUID = ds.StudyInstanceUID
    request = Dataset()
    request.AccessionNumber = person.accession_number
    request.ReferencedStudySequence = DicomSequence([study])
    request.ScheduledProcedureStepDescription = f"Scan of {person.spoken}"
    request.RequestedProcedureID = person.study_id
    request.ScheduledProcedureStepID = person.study_id
    ds.RequestAttributesSequence = DicomSequence([request])

    code = Dataset()
    code.CodeValue = person.serial
    code.CodingSchemeDesignator = "99INVENTED"
    code.CodeMeaning = person.referring.replace("^", " ")
    physician = Dataset()
    physician.PersonIdentificationCodeSequence = DicomSequence([code])
    physician.PersonAddress = person.address
    physician.PersonTelephoneNumbers = person.phone
    physician.InstitutionName = person.institution
    ds.ReferringPhysicianIdentificationSequence = DicomSequence([physician])


def _private(ds: Dataset, person: Person) -> None:
    inside = Dataset()
    inside.PatientName = person.name
    inside.PatientBirthDate = person.birth_date
    blob = f"<patient id={person.id} name={person.spoken}/>".encode()
    block = ds.private_block(_PRIVATE_GROUP, _PRIVATE_CREATOR, create=True)
    block.add_new(0x10, "LO", person.spoken)
    block.add_new(0x11, "OB", blob + b"\0" * (len(blob) % 2))
    block.add_new(0x12, "SQ", DicomSequence([inside]))
