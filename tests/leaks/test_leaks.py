"""What a header can smuggle: for each way one file, through the worker that publishes, and a search of its bytes.

Every identity is invented. A case passes when the file is refused, or when nothing of it is left in the copy.
"""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

import pytest
from pydicom import dcmread

from xnat_pixelanon.headers import prove_header
from xnat_pixelanon.pipeline.cleaning import header_request
from xnat_pixelanon.pipeline.work import Cleaned

from .attack import (
    EXPLICIT,
    IDENTITY,
    PIXELS,
    Result,
    element,
    encoded,
    file,
    header,
    item,
    publish,
    sequence,
    traces,
)

SOFTWARE, CODE_MEANING, DERIVATION_CODES, ICC = 0x00181020, 0x00080104, 0x00089215, 0x00282000
PERSON = b"PHANTOM^ADA"


def assert_clean(result: Result, *needles: str) -> None:
    assert isinstance(result.done, Cleaned), result.done
    assert traces(result.data, needles) == [] if needles else traces(result.data) == []


@pytest.mark.parametrize("number", ["4711234", "+4711234", "04711234", "20240517", "20240517101112", "19710203"])
@pytest.mark.parametrize("keyword", ["SeriesNumber", "AcquisitionNumber", "InstanceNumber"])
def test_a_number_that_is_an_id_or_a_date_does_not_stay(tmp_path: Path, keyword: str, number: str) -> None:
    assert_clean(publish(tmp_path, file(header(**{keyword: number}))))


@pytest.mark.parametrize(
    "number", ["4711234.0", "4711234.", "4.711234e6", "20240517.101112", "+20240517", "0020240517"]
)
def test_a_decimal_that_is_an_id_or_a_date_does_not_stay(tmp_path: Path, number: str) -> None:
    assert_clean(publish(tmp_path, file(header(), element(0x00180050, "DS", number.encode()))))


def test_a_short_id_typed_as_series_number_does_not_stay_and_other_numbers_do(tmp_path: Path) -> None:
    result = publish(tmp_path, file(header(PatientID="60315", SeriesNumber="60315", InstanceNumber="12")))
    assert_clean(result, "60315")
    assert dcmread(tmp_path / "copy.dcm").InstanceNumber == 12
    publish(tmp_path, file(header(PatientID="7", SeriesNumber="7")))
    assert dcmread(tmp_path / "copy.dcm").SeriesNumber == 7


def test_ordinary_numbers_are_kept_to_the_byte(tmp_path: Path) -> None:
    positions = b"-123.456789\\0.4711234\\1.5e-7 "
    result = publish(tmp_path, file(header(), element(0x00200032, "DS", positions)))
    assert positions in result.data


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        *((0x00280120, "US"), (0x00189073, "FD"), (0x00280009, "AT"), (0x00186020, "SL"), (0x00189219, "SS")),
        *((0x00209157, "UL"), (0x00289416, "US"), (0x00081163, "FD"), (0x00189313, "FD")),
    ],
)
def test_text_in_binary_numbers_does_not_stay(tmp_path: Path, tag: int, vr: str) -> None:
    assert_clean(publish(tmp_path, file(header(), element(tag, vr, b"PHANTOM^ADA     "))))


@pytest.mark.parametrize("number", [4711234, 20240517, 3021971])
@pytest.mark.parametrize(
    ("tag", "code"), [(0x00209157, "<L"), (0x00186020, "<l"), (0x00189073, "<d"), (0x00189322, "<d")]
)
def test_a_binary_number_that_is_an_id_or_a_date_does_not_stay(
    tmp_path: Path, tag: int, code: str, number: int
) -> None:
    vr = {"L": "UL", "l": "SL", "d": "FD"}[code[1]]
    raw = struct.pack(code, number)
    result = publish(tmp_path, file(header(), element(tag, vr, raw)))
    assert isinstance(result.done, Cleaned)
    assert (raw in result.data) == (number == 3021971)


@pytest.mark.parametrize(
    ("terms", "value"),
    [
        (b"ISO 2022 IR 6\\ISO 2022 IR 87", b"\x1b$BPhantom^Ada\x1b(B"),
        (b"ISO 2022 IR 6\\ISO 2022 IR 149", b"\x1b$)CPhantom^Ad"),
        (b"GB18030", b"P\x81hantom x"),
        (b"GB18030", b"\x81Phantom"),
        (b"GBK", b"x\x81 Phantom"),
        (b"ISO_IR 192", "Phantom".encode("utf-16-le")),
        (b"ISO_IR 192", "Pha\u200bntom".encode()),
        (b"ISO_IR 13", b"\xb1Phantom"),
        (b"no such term", b"\x1b$BPhantom^Ad"),
    ],
)
def test_a_name_behind_another_character_set_does_not_stay(tmp_path: Path, terms: bytes, value: bytes) -> None:
    charset = element(0x00080005, "CS", terms)
    assert_clean(publish(tmp_path, file(header(), charset, element(SOFTWARE, "LO", value))))
    nested = sequence(DERIVATION_CODES, item(charset, element(CODE_MEANING, "LO", value)))
    assert_clean(publish(tmp_path, file(header(), nested)))


@pytest.mark.parametrize(
    "vr",
    [
        *("AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "OB", "OD", "OF", "OL", "OV"),
        *("OW", "PN", "SH", "SL", "SS", "ST", "SV", "TM", "UC", "UI", "UL", "UN", "UR", "US", "UT", "UV"),
    ],
)
def test_a_name_in_a_vr_that_is_not_the_attributes_does_not_stay(tmp_path: Path, vr: str) -> None:
    assert_clean(publish(tmp_path, file(header(), element(SOFTWARE, vr, b"PHANTOM^ADA     "))))


HIDDEN = {
    "even group, unknown element": element(0x00080011, "LO", PERSON),
    "private block of an even creator": element(0x0010FF01, "UN", PERSON),
    "private": element(0x00090010, "LO", PERSON) + element(0x00091001, "UN", PERSON),
    "curve": element(0x50FE3000, "OB", PERSON),
    "overlay beyond 601E": element(0x60FE3000, "OB", PERSON),
    "odd overlay group": element(0x60010010, "LO", PERSON),
    "repeating group": element(0x00203101, "CS", b"PHANTOM"),
    "group length": element(0x00080000, "UL", b"PHAN"),
    "pixels in an item": sequence(DERIVATION_CODES, item(element(0x7FE00010, "OB", PERSON))),
    "icon": sequence(0x00880200, item(element(0x7FE00010, "OB", PERSON))),
    "icon at depth": sequence(DERIVATION_CODES, item(sequence(0x00880200, item(element(0x7FE00010, "OB", PERSON))))),
    "signature": sequence(DERIVATION_CODES, item(sequence(0xFFFAFFFA, item(element(0x04000120, "OB", PERSON))))),
    "a sequence where text belongs": sequence(SOFTWARE, item(element(CODE_MEANING, "LO", PERSON))),
    "items where bytes belong": sequence(ICC, item(element(CODE_MEANING, "LO", PERSON)), vr="OB"),
    "ICC profile in UTF-16": element(ICC, "OB", b"desc " + "Phantom".encode("utf-16-be")),
    "ICC profile with a date": element(ICC, "OB", b"made 2024-05-17 with care"),
    "ICC profile with a UID": element(ICC, "OB", b"1.2.826.0.1.3680043.10.999.1"),
    "UIDs with dates": element(0x00081155, "UI", b"1.2.3.20240517.4711234\\1.2.840.10008.1.2"),
    "a UID below the standard's root": element(0x0008001A, "UI", b"1.2.840.10008.5.1.4.1.1.20240517"),
    "context UID": element(0x00080117, "UI", b"1.2.840.10008.6.1.4711234"),
}


@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN.keys())
def test_what_hides_among_elements_does_not_stay(tmp_path: Path, hidden: bytes) -> None:
    assert_clean(publish(tmp_path, file(header(), hidden)))


@pytest.mark.parametrize(
    "text",
    [
        *("4711234", "47 11 234", "MRN4711234", "test mrn 4711234", "778899"),
        *("1_2_826_0_1_3680043_10_999_1", "1.2.826.0.1.3680043.10.999.2.7"),
        *("240517", "17. Mai 2024", "17 mai 2024", "May 17th 2024", "17 mayo 2024", "3. Feb. 1971", "x240517y"),
    ],
)
def test_other_spellings_of_ids_dates_and_uids_do_not_stay(tmp_path: Path, text: str) -> None:
    assert_clean(publish(tmp_path, file(header(), element(SOFTWARE, "LO", text.encode()))), text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("Müller^Jürgen", text) for text in ("Mueller", "MULLER", "Juergen")),
        *(("Mueller^Ada", text) for text in ("Müller", "Muller")),
        *(("Sørensen^Åse", text) for text in ("Sorensen", "Soerensen", "SØRENSEN")),
        ("Wałęsa^Łucja", "walesa"),
    ],
)
def test_names_do_not_stay_in_their_other_spellings(tmp_path: Path, name: str, text: str) -> None:
    charset, written = element(0x00080005, "CS", b"ISO_IR 192"), element(SOFTWARE, "LO", text.encode())
    ds = header()
    del ds.PatientName
    result = publish(tmp_path, file(ds, charset, element(0x00100010, "PN", name.encode()), written))
    assert_clean(result, text)
    undeclared = publish(tmp_path, file(ds, element(0x00100010, "PN", name.encode()), element(SOFTWARE, "LO", b"x")))
    assert isinstance(undeclared.done, Cleaned)


def test_a_name_in_undeclared_utf8_is_known_all_the_same(tmp_path: Path) -> None:
    ds = header()
    del ds.PatientName
    name = element(0x00100010, "PN", "Müller^Ada".encode())
    assert_clean(publish(tmp_path, file(ds, name, element(SOFTWARE, "LO", b"by Muller"))), "muller")


def test_a_name_that_only_private_elements_tell_is_known(tmp_path: Path) -> None:
    person, said = element(0x00091001, "PN", b"Quixley^Zoe"), element(SOFTWARE, "LO", b"for Quixley")
    creator = element(0x00090010, "LO", b"ACME")
    assert_clean(publish(tmp_path, file(header(), creator, person, said)), "quixley")
    inside = sequence(0x00091001, item(element(0x00100020, "LO", b"OLDID77")))
    said = element(SOFTWARE, "LO", b"was OLDID77")
    assert_clean(publish(tmp_path, file(header(), creator, inside, said)), "oldid77")


def test_what_the_session_knows_is_looked_for_too(tmp_path: Path) -> None:
    said = element(SOFTWARE, "LO", b"see OTHERMRN-91")
    assert_clean(publish(tmp_path, file(header(), said), known=["OTHERMRN-91"]), "othermrn91")


def test_the_ae_title_of_the_sender_does_not_stay(tmp_path: Path) -> None:
    said = element(CODE_MEANING, "LO", b"from northsender")
    assert_clean(publish(tmp_path, file(header(), said)), "northsender")


def test_a_short_study_uid_does_not_stay_in_text(tmp_path: Path) -> None:
    ds = header(StudyInstanceUID="1.2.3.4.5.77")
    assert_clean(publish(tmp_path, file(ds, element(SOFTWARE, "LO", b"study 1.2.3.4.5.77"))), "1234577")


def test_an_element_that_is_there_twice_is_damage(tmp_path: Path) -> None:
    twice = element(0x00100010, "PN", b"Quixley^Zoe"), element(SOFTWARE, "LO", b"for Quixley")
    assert publish(tmp_path, file(header(), *twice)).code == "damaged"


def test_what_stands_around_the_data_set_does_not_stay(tmp_path: Path) -> None:
    meta, body = encoded(header())
    pixels = element(0x7FE00010, "OB", PIXELS)
    more_meta = element(0x00020016, "AE", b"PHANTOM") + element(0x00020102, "OB", PERSON)
    padding = element(0xFFFCFFFC, "OB", PERSON) + element(0xFFFFFFFF, "LO", PERSON)
    start = (b"II*\0" + PERSON).ljust(128, b"\0") + meta[128:]
    low = element(0x00000003, "LO", PERSON) + element(0x00041220, "LO", PERSON)
    assert_clean(publish(tmp_path, start + more_meta + low + body + pixels + padding))
    for after in (element(0x00100010, "PN", PERSON), pixels, PERSON + b" ", bytes(8) + PERSON + b" "):
        assert publish(tmp_path, meta + body + pixels + after).code in ("damaged", "pixel-format")


def test_a_value_that_cannot_be_converted_is_no_crash(tmp_path: Path) -> None:
    assert_clean(publish(tmp_path, file(header(), element(0x00081090, "FD", b"PHANTOM^ADA "))))


@pytest.mark.parametrize(
    "planted",
    [
        element(SOFTWARE, "LO", b"Ada Phantom"),
        element(SOFTWARE, "LO", b"x4711234"),
        element(SOFTWARE, "LO", b"17. Mai 2024"),
        element(SOFTWARE, "LO", b"1_2_826_0_1_3680043_10_999_1"),
        element(0x00180050, "DS", b"20240517.1"),
        element(0x00200012, "IS", b"4711234"),
        element(0x00189073, "FD", b"PHANTOM^"),
        element(0x00189073, "FD", struct.pack("<d", 4711234)),
        element(0x00090010, "LO", b"ACME"),
        element(ICC, "OB", b"made 2024-05-17"),
    ],
)
def test_the_header_proof_finds_by_itself_what_cleaning_would_have_missed(tmp_path: Path, planted: bytes) -> None:
    """The planted element stands in the source too, as if the engine had kept it."""
    source, copy = tmp_path / "source.dcm", tmp_path / "planted.dcm"
    result = publish(tmp_path, file(header(), planted))
    assert isinstance(result.done, Cleaned)
    copy.write_bytes(_with(result.data, planted))
    request = header_request(IDENTITY, ("SUBJECT", "SESSION"), "CLEAN", ())
    request = dataclasses.replace(request, transfer_syntax_uid=EXPLICIT)
    read = [dcmread(path, stop_before_pixels=True) for path in (source, tmp_path / "copy.dcm", copy)]
    assert prove_header(read[0], read[1], request).ok
    assert not prove_header(read[0], read[2], request).ok


def _with(data: bytes, planted: bytes) -> bytes:
    """A file with one more element, in the place of what there is with its tag."""
    meta_end = 144 + int.from_bytes(data[140:144], "little")
    at, tag = meta_end, planted[:4]
    while _order(data[at : at + 4]) < _order(tag):
        at = _behind(data, at)
    end = _behind(data, at) if data[at : at + 4] == tag else at
    return data[:at] + planted + data[end:]


def _order(tag: bytes) -> tuple[int, int]:
    return int.from_bytes(tag[:2], "little"), int.from_bytes(tag[2:], "little")


def _behind(data: bytes, at: int) -> int:
    if data[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT"):
        return at + 12 + int.from_bytes(data[at + 8 : at + 12], "little")
    return at + 8 + int.from_bytes(data[at + 6 : at + 8], "little")
