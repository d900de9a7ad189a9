"""Objects without pixels, as far as the importer, pydicom and a reader need them: RTSTRUCT, PDF, SR, KO; and SEG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    BasicTextSRStorage,
    EncapsulatedPDFStorage,
    KeyObjectSelectionDocumentStorage,
    RTStructureSetStorage,
    SegmentationStorage,
    XRayRadiationDoseSRStorage,
)

from xnat_pixelanon.sandbox.person import Person


def _code(value: str, scheme: str, meaning: str) -> DicomSequence:
    code = Dataset()
    code.CodeValue = value
    code.CodingSchemeDesignator = scheme
    code.CodeMeaning = meaning
    return DicomSequence([code])


def _reference(image: Dataset) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = image.SOPClassUID
    item.ReferencedSOPInstanceUID = image.SOPInstanceUID
    return item


def _by_series(references: Sequence[Dataset]) -> DicomSequence:
    items: dict[str, Dataset] = {}
    for image in references:
        item = items.setdefault(image.SeriesInstanceUID, Dataset())
        item.SeriesInstanceUID = image.SeriesInstanceUID
        if "ReferencedSOPSequence" not in item:
            item.ReferencedSOPSequence = DicomSequence()
        item.ReferencedSOPSequence.append(_reference(image))
    return DicomSequence(items.values())


def _structures(ds: Dataset, person: Person, references: Sequence[Dataset]) -> None:
    """A structure set with one contour on each referenced image (PS3.3 C.8.8.5, C.8.8.6)."""
    ds.StructureSetLabel = "INVENTED"
    ds.StructureSetName = person.spoken
    ds.StructureSetDate, ds.StructureSetTime = person.study_date, person.study_time
    roi = Dataset()
    roi.ROINumber = 1
    roi.ReferencedFrameOfReferenceUID = ds.FrameOfReferenceUID
    roi.ROIName = "Heart"
    roi.ROIDescription = f"drawn for {person.spoken}"
    roi.ROIGenerationAlgorithm = "MANUAL"
    ds.StructureSetROISequence = DicomSequence([roi])
    contours = DicomSequence()
    for image in references:
        contour = Dataset()
        contour.ContourImageSequence = DicomSequence([_reference(image)])
        contour.ContourGeometricType = "CLOSED_PLANAR"
        contour.NumberOfContourPoints = 3
        height = float(image.get("SliceLocation", 0))
        contour.ContourData = [0.0, 0.0, height, 10.0, 0.0, height, 0.0, 10.0, height]
        contours.append(contour)
    drawn = Dataset()
    drawn.ReferencedROINumber = 1
    drawn.ROIDisplayColor = [255, 0, 0]
    drawn.ContourSequence = contours
    ds.ROIContourSequence = DicomSequence([drawn])
    observed = Dataset()
    observed.ObservationNumber = 1
    observed.ReferencedROINumber = 1
    observed.RTROIInterpretedType = "ORGAN"
    observed.ROIInterpreter = person.performing
    ds.RTROIObservationsSequence = DicomSequence([observed])


def pdf(lines: Sequence[str]) -> bytes:
    """A PDF of one page with these lines, uncompressed: what a sweep of the bytes looks for stands in them."""
    text = " T* ".join(f"({line}) Tj" for line in lines).encode("latin-1", "replace")
    stream = b"BT /F1 12 Tf 14 TL 40 760 Td " + text + b" ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + trailer


def _document(ds: Dataset, person: Person, references: Sequence[Dataset]) -> None:
    """An encapsulated PDF (PS3.3 A.45.1) whose page holds the person's name."""
    ds.ConversionType = "WSD"
    ds.BurnedInAnnotation = "YES"
    ds.DocumentTitle = f"Letter about {person.spoken}"
    ds.ConceptNameCodeSequence = _code("18842-5", "LN", "Discharge summary")
    ds.MIMETypeOfEncapsulatedDocument = "application/pdf"
    content = pdf([f"Patient {person.spoken}", f"born {person.born}", f"number {person.id}", person.institution])
    ds.EncapsulatedDocumentLength = len(content)
    ds.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    if references:
        ds.SourceInstanceSequence = DicomSequence([_reference(image) for image in references])


def _content(kind: str, code: DicomSequence, relation: str = "CONTAINS") -> Dataset:
    item = Dataset()
    item.RelationshipType = relation
    item.ValueType = kind
    item.ConceptNameCodeSequence = code
    return item


def _report(ds: Dataset, person: Person, references: Sequence[Dataset]) -> None:
    """A structured report: a container with the patient's name, a text and references (PS3.3 C.17.3)."""
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dose = ds.SOPClassUID == XRayRadiationDoseSRStorage
    ds.ConceptNameCodeSequence = (
        _code("113701", "DCM", "X-Ray Radiation Dose Report") if dose else _code("18782-3", "LN", "Study report")
    )
    observer = _content("PNAME", _code("121008", "DCM", "Person Observer Name"), "HAS OBS CONTEXT")
    observer.PersonName = person.referring
    subject = _content("PNAME", _code("121029", "DCM", "Subject Name"), "HAS OBS CONTEXT")
    subject.PersonName = person.name
    text = _content("TEXT", _code("121106", "DCM", "Comment"))
    text.TextValue = f"{person.spoken}, born {person.born}, was seen on {person.study_date}"
    ds.ContentSequence = DicomSequence([observer, subject, text, *_images(references)])
    _evidence(ds, references)


def _key_objects(ds: Dataset, person: Person, references: Sequence[Dataset]) -> None:
    """A key object selection: references and a note (PS3.3 C.17.6)."""
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = _code("113000", "DCM", "Of Interest")
    note = _content("TEXT", _code("113012", "DCM", "Key Object Description"))
    note.TextValue = f"Shown to {person.spoken}"
    ds.ContentSequence = DicomSequence([note, *_images(references)])
    _evidence(ds, references)


def _images(references: Sequence[Dataset]) -> list[Dataset]:
    items = []
    for image in references:
        item = _content("IMAGE", _code("121200", "DCM", "Illustration of ROI"))
        item.ReferencedSOPSequence = DicomSequence([_reference(image)])
        items.append(item)
    return items


def _evidence(ds: Dataset, references: Sequence[Dataset]) -> None:
    if references:
        study = Dataset()
        study.StudyInstanceUID = ds.StudyInstanceUID
        study.ReferencedSeriesSequence = _by_series(references)
        ds.CurrentRequestedProcedureEvidenceSequence = DicomSequence([study])


def _segments(ds: Dataset, person: Person, references: Sequence[Dataset]) -> None:
    """What a binary segmentation has besides its pixels (PS3.3 C.8.20)."""
    ds.SegmentationType = "BINARY"
    ds.ContentLabel, ds.ContentDescription = "ORGAN", f"Segmented for {person.spoken}"
    ds.ContentCreatorName = person.operator
    segment = Dataset()
    segment.SegmentNumber = 1
    segment.SegmentLabel = "Liver"
    segment.SegmentAlgorithmType = "MANUAL"
    segment.SegmentedPropertyCategoryCodeSequence = _code("123037004", "SCT", "Anatomical Structure")
    segment.SegmentedPropertyTypeCodeSequence = _code("10200004", "SCT", "Liver")
    ds.SegmentSequence = DicomSequence([segment])
    if references:
        ds.ReferencedSeriesSequence = _by_series(references)


OBJECTS: Mapping[str, Callable[[Dataset, Person, Sequence[Dataset]], None]] = MappingProxyType(
    {
        RTStructureSetStorage: _structures,
        EncapsulatedPDFStorage: _document,
        BasicTextSRStorage: _report,
        XRayRadiationDoseSRStorage: _report,
        KeyObjectSelectionDocumentStorage: _key_objects,
        SegmentationStorage: _segments,
    }
)
"""What each class of object adds to the common header, by SOP Class UID."""
