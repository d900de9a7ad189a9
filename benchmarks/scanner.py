"""Headers as a scanner writes them: one study, one series; between two files about a dozen elements differ.

Every identity is invented, and obviously so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from benchmarks.shapes import Shape

_CT, _CT_WORD_CAPTURE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7.3"
_CINE, _RADIOGRAPH = "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.1.1"

_PERSON: Mapping[str, Any] = MappingProxyType(
    {
        "SpecificCharacterSet": "ISO_IR 100", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "StudyDate": "19010101",
        "StudyTime": "101500", "Manufacturer": "ACME", "ReferringPhysicianName": "PHANTOM^DOCTOR",
        "ManufacturerModelName": "BENCH 1", "PatientName": "PHANTOM^BENCH", "PatientID": "TEST-BENCH-1",
        "StudyID": "BENCH1", "SeriesNumber": 1, "BurnedInAnnotation": "YES",
    }
)  # fmt: skip

_SCANNER: Mapping[str, Any] = MappingProxyType(
    {
        # patient and study
        "PatientBirthDate": "18800101", "PatientSex": "O", "PatientAge": "021Y", "PatientWeight": "70",
        "PatientSize": "1.7", "PatientComments": "INVENTED FOR A BENCHMARK", "AdditionalPatientHistory": "NONE",
        "OtherPatientIDs": "TEST-OTHER-1", "EthnicGroup": "NONE", "Occupation": "PHANTOM", "PregnancyStatus": 4,
        "MedicalAlerts": "NONE", "Allergies": "NONE", "PatientAddress": "1 NOWHERE STREET",
        "PatientTelephoneNumbers": "000-0000", "PatientMotherBirthName": "PHANTOM^OLD", "SmokingStatus": "UNKNOWN",
        "PatientState": "WELL", "IssuerOfPatientID": "NOWHERE", "CountryOfResidence": "NOWHERE",
        "AccessionNumber": "TESTACC1", "StudyDescription": "BENCH THORAX", "SeriesDescription": "BENCH AXIAL 1.0",
        "PhysiciansOfRecord": "PHANTOM^RECORD", "PerformingPhysicianName": "PHANTOM^PERFORMING",
        "NameOfPhysiciansReadingStudy": "PHANTOM^READING", "OperatorsName": "PHANTOM^OPERATOR",
        "AdmittingDiagnosesDescription": "NONE", "RequestingPhysician": "PHANTOM^REQUESTING",
        "RequestingService": "BENCH", "RequestedProcedureDescription": "BENCH CT", "RequestedProcedureID": "BENCH1",
        "CurrentPatientLocation": "NOWHERE", "ReasonForStudy": "BENCHMARK", "StudyComments": "INVENTED",
        "AdmissionID": "TESTADM1", "InstitutionName": "NOWHERE", "InstitutionAddress": "1 NOWHERE STREET",
        "InstitutionalDepartmentName": "BENCH", "StationName": "BENCHSTATION", "StudyStatusID": "DONE",
        "StudyPriorityID": "LOW", "CommentsOnThePerformedProcedureStep": "NONE",
        # equipment and procedure
        "DeviceSerialNumber": "TESTSERIAL1", "SoftwareVersions": ["bench 1.0", "bench 1.1"],
        "ProtocolName": "BENCH CHEST", "DateOfLastCalibration": "19010101", "TimeOfLastCalibration": "060000",
        "GantryID": "BENCHGANTRY", "PerformedProcedureStepID": "BENCH1",
        "PerformedProcedureStepStartDate": "19010101", "PerformedProcedureStepStartTime": "101000",
        "PerformedProcedureStepDescription": "BENCH", "SeriesDate": "19010101", "SeriesTime": "101600",
        "AcquisitionDate": "19010101", "ContentDate": "19010101", "InstanceCreationDate": "19010101",
        "TimezoneOffsetFromUTC": "+0000", "PerformedProcedureStepEndDate": "19010101",
        "PerformedStationName": "BENCH", "PerformedStationAETitle": "BENCHAE", "PerformedLocation": "NOWHERE",
        "ScheduledProcedureStepDescription": "BENCH", "InstanceCreatorUID": "2.25.1901", "BodyPartExamined": "CHEST",
        "PatientPosition": "HFS", "Laterality": "",
        # acquisition
        "ScanOptions": "HELICAL MODE", "KVP": "120", "DataCollectionDiameter": "500", "ReconstructionDiameter": "360",
        "DistanceSourceToDetector": "949.1", "DistanceSourceToPatient": "541", "GantryDetectorTilt": "0",
        "TableHeight": "140", "RotationDirection": "CW", "ExposureTime": 500, "FilterType": "BODY FILTER",
        "GeneratorPower": 36000, "FocalSpots": ["0.7"], "ConvolutionKernel": "STANDARD", "RevolutionTime": 0.5,
        "SingleCollimationWidth": 0.625, "TotalCollimationWidth": 40.0, "TableSpeed": 78.75,
        "TableFeedPerRotation": 39.375, "SpiralPitchFactor": 0.984375, "SliceThickness": "1.25",
        "SpacingBetweenSlices": "1.25", "ContrastBolusAgent": "NONE", "ContrastBolusRoute": "ORAL",
        "ContrastBolusVolume": "0", "ContrastBolusTotalDose": "0", "ExposureModulationType": "XYZ_EC", "CTDIvol": 7.5,
        "EstimatedDoseSaving": 20.0, "ReconstructionTargetCenterPatient": [0.0, -10.0, 0.0],
        "FilterMaterial": "ALUMINUM", "DataCollectionCenterPatient": [0.0, 0.0, 0.0], "ExposureInmAs": 110.0,
        "ExposureTimeInms": 500.0, "ReconstructionAlgorithm": "FILTER_BACK_PROJ", "MultienergyCTAcquisition": "NO",
        "IsocenterPosition": ["0", "0", "0"],
        # relationship and image
        "FrameOfReferenceUID": "2.25.19010101", "PositionReferenceIndicator": "SN", "ImagesInAcquisition": 500,
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"], "PixelSpacing": ["0.703125", "0.703125"],
        "TemporalPositionIdentifier": 1, "NumberOfTemporalPositions": 1, "ImageComments": "INVENTED",
        "PixelAspectRatio": [1, 1], "LossyImageCompression": "00", "QualityControlImage": "NO", "RescaleType": "HU",
        "PixelPaddingValue": 0, "WindowCenterWidthExplanation": ["SOFT", "LUNG"], "PresentationLUTShape": "IDENTITY",
    }
)  # fmt: skip

_PRIVATE = {"ACME ACQU 01": 0x0019, "ACME RELA 01": 0x0021, "ACME IMPS 01": 0x0027, "ACME PARM 01": 0x0043}
_PRIVATE_EACH = 26
_PRIVATE_VALUES = (("DS", "1.25"), ("SH", "BENCH"), ("SL", 1901), ("LO", "BENCH PARAMETER"), ("FD", 0.5), ("IS", "7"))


def header(shape: Shape, number: int, frames: int) -> Dataset:
    """The data set of file `number`, with file meta information and without pixel data."""
    data_set = Dataset()
    for keyword, value in {**_PERSON, **(_SCANNER if shape.elements > 100 else {})}.items():
        setattr(data_set, keyword, value)
    _identify(data_set, shape, number, frames)
    _describe_pixels(data_set, shape, frames)
    if shape.elements > 100:
        _of_this_slice(data_set, number)
        _add_sequences(data_set)
        _add_private(data_set, number)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = data_set.SOPClassUID, data_set.SOPInstanceUID
    meta.TransferSyntaxUID = UID(shape.transfer_syntax_uid)
    data_set.file_meta = meta
    return data_set


def _uid(*parts: object) -> str:
    digest = hashlib.sha256(repr(("xnat-pixelanon benchmark", *parts)).encode()).digest()
    return f"2.25.{int.from_bytes(digest[:15], 'big')}"


def _identify(data_set: Dataset, shape: Shape, number: int, frames: int) -> None:
    classes = {"ct": _CT if frames == 1 else _CT_WORD_CAPTURE, "cine": _CINE, "radiograph": _RADIOGRAPH}
    data_set.SOPClassUID = UID(classes[shape.look])
    data_set.Modality = {"ct": "CT", "cine": "US", "radiograph": "DX"}[shape.look]
    data_set.StudyInstanceUID, data_set.SeriesInstanceUID = _uid(shape.name, "study"), _uid(shape.name, "series")
    data_set.SOPInstanceUID, data_set.InstanceNumber = _uid(shape.name, "instance", number), number


def _describe_pixels(data_set: Dataset, shape: Shape, frames: int) -> None:
    data_set.SamplesPerPixel = shape.samples
    data_set.Rows, data_set.Columns = shape.rows, shape.columns
    data_set.BitsAllocated, data_set.BitsStored = shape.bits_allocated, shape.bits_stored
    data_set.HighBit, data_set.PixelRepresentation = shape.bits_stored - 1, 0
    data_set.PhotometricInterpretation = "MONOCHROME2" if shape.samples == 1 else "RGB"
    if shape.samples == 3:
        data_set.PlanarConfiguration = 0
    if frames > 1 or shape.look == "cine":
        data_set.NumberOfFrames, data_set.FrameTime = frames, "33.3"
    if shape.look == "ct":
        data_set.RescaleIntercept, data_set.RescaleSlope = "-1024", "1"
    if shape.transfer_syntax_uid == "1.2.840.10008.1.2.4.50":
        data_set.PhotometricInterpretation = "YBR_FULL_422"
        data_set.LossyImageCompression, data_set.LossyImageCompressionMethod = "01", "ISO_10918_1"
        data_set.LossyImageCompressionRatio = "12"


def _of_this_slice(data_set: Dataset, number: int) -> None:
    """What differs between two files, beside the SOP Instance UID (twice) and Instance Number."""
    place = f"{-200 + 1.25 * number:.2f}"
    time = f"10{16 + number // 60 % 40:02d}{number % 60:02d}"
    data_set.InstanceCreationTime = data_set.AcquisitionTime = data_set.ContentTime = time
    data_set.SliceLocation, data_set.TablePosition = place, float(place)
    data_set.ImagePositionPatient = ["-180", "-180", place]
    data_set.XRayTubeCurrent, data_set.Exposure = 200 + number % 50, 100 + number % 25
    data_set.AcquisitionNumber = 1
    data_set.WindowCenter, data_set.WindowWidth = ["40", "-600"], ["400", "1500"]


def _add_sequences(data_set: Dataset) -> None:
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = UID("1.2.840.10008.3.1.2.3.1"), _uid("step")
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "BENCH1", "99BENCH", "Bench CT"
    request = Dataset()
    request.ScheduledProcedureStepID, request.RequestedProcedureID = "BENCH1", "BENCH1"
    request.ScheduledProtocolCodeSequence = Sequence([code])
    data_set.ReferencedStudySequence = Sequence([reference])
    data_set.ReferencedPerformedProcedureStepSequence = Sequence([reference])
    data_set.ProcedureCodeSequence = Sequence([code])
    data_set.RequestAttributesSequence = Sequence([request])


def _add_private(data_set: Dataset, number: int) -> None:
    """Vendors write as many private elements as standard ones; two of them differ from file to file."""
    for creator, group in _PRIVATE.items():
        block = data_set.private_block(group, creator, create=True)
        for offset in range(_PRIVATE_EACH):
            vr, value = _PRIVATE_VALUES[offset % len(_PRIVATE_VALUES)]
            differs = vr == "SL" and offset == 2 and group in (0x0019, 0x0021)
            block.add_new(offset, vr, number if differs else value)
