"""The language, a sentence at a time: what a script makes of one data set, every changed element named."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from script_makers import IDENTITY, apply, differences, flat, image, item

ID, NAME = "(0010,0020)", "(0010,0010)"
FIRST, DEEP = "(0008,1140)[0].(0010,0010)", "(0008,1140)[1].(0008,1140)[0].(0010,0010)"
GONE = None
UID = IDENTITY.uid

CASES: dict[str, tuple[str, dict[str, str | None]]] = {
    # values
    "a string is set": ('(0010,0020) := "new"', {ID: "new"}),
    "an empty string empties": ('(0010,0020) := ""', {ID: ""}),
    "a number is set as it was written": ("(0020,0011) := 7", {"(0020,0011)": "7"}),
    "a variable of the clean side is set": ("(0010,0020) := subject", {ID: "P0042"}),
    "another element's value is set": ("(0010,0020) := (0008,1030)", {ID: "Knee left 3"}),
    "a missing element's value changes nothing": ("(0010,0020) := (0010,21B0)", {}),
    "a variable without a value changes nothing": ("v := (0010,21B0)\n(0010,0020) := v", {}),
    "a variable of the script is set": ('v := "one"\n(0010,0020) := v', {ID: "one"}),
    "a variable may be set again": ('v := "one"\nv := "two"\n(0010,0020) := v', {ID: "two"}),
    "two backslashes are one": (r'(0008,0008) := "DERIVED\\SECONDARY"', {"(0008,0008)": r"DERIVED\SECONDARY"}),
    "several values are read as one text": ("(0008,1030) := (0008,0008)", {"(0008,1030)": r"ORIGINAL\PRIMARY\M"}),
    "a UID may be set": ('(0020,000D) := "2.999.44"', {"(0020,000D)": "2.999.44"}),
    # lines
    "a comment ends with its line": ('// x := 1\n(0010,0020) := "b//c" // d', {ID: "b//c"}),
    "a backslash joins lines": ('(0010,0020) := \\\n"joined"', {ID: "joined"}),
    "lines may end as on Windows": ('(0010,0020) := "a"\r\n(0010,0010) := "b"\r\n', {ID: "a", NAME: "b"}),
    "two statements may share a line": ('(0010,0020) := "a" - (0010,0010)', {ID: "a", NAME: GONE}),
    "hexadecimal digits have any case": ('(0008,103e) := "s"', {"(0008,103E)": "s"}),
    "an argument list may go over lines": ('(0010,0020) := concatenate[\n"a",\n"b"\n]', {ID: "ab"}),
    # elements
    "an element that is not there is made": ('(0010,21B0) := "h"', {"(0010,21B0)": "h"}),
    "?= sets what is there": ('(0010,0020) ?= "new"', {ID: "new"}),
    "?= leaves what is not there": ('(0010,21B0) ?= "new"', {}),
    "?= with a wildcard sets all": ('(0010,00X0) ?= ""', {NAME: "", ID: "", "(0010,0030)": ""}),
    "an element is deleted": ("- (0010,0010)", {NAME: GONE}),
    "deleting what is not there changes nothing": ("- (0010,21B0)", {}),
    "X is any digit": ("- (0010,00XX)", {NAME: GONE, ID: GONE, "(0010,0030)": GONE}),
    "@ is an even digit": ("- (0010,00@0)", {ID: GONE}),
    "# is an odd digit": ("- (0010,00#0)", {NAME: GONE, "(0010,0030)": GONE}),
    # sequences
    "a sequence is deleted with all in it": (
        "- (0008,1140)",
        {path: GONE for path in differences(type(image())(), image()) if path.startswith("(0008,1140)")},
    ),
    "an item is emptied and keeps its place": (
        "- (0008,1140)[0]",
        {FIRST: GONE, "(0008,1140)[0].(0008,1155)": GONE, "(0008,1140)[0].(0008,0020)": GONE},
    ),
    "an element of an item is set": ('(0008,1140)[0]/(0010,0010) := "n"', {FIRST: "n"}),
    "items are made up to the number": (
        '(0008,1140)[3]/(0010,0010) := "n"',
        {"(0008,1140)": "4 items", "(0008,1140)[3].(0010,0010)": "n"},
    ),
    "a sequence is made": (
        '(0008,1115)[0]/(0020,000E) := "2.999.8"',
        {"(0008,1115)": "1 items", "(0008,1115)[0].(0020,000E)": "2.999.8"},
    ),
    "% is every item": ("- (0008,1140)[%]/(0008,1155)", {f"(0008,1140)[{n}].(0008,1155)": GONE for n in (0, 1)}),
    "without a number, ?= means every item": (
        '(0008,1140)/(0008,1155) ?= "2.999.9"',
        {f"(0008,1140)[{n}].(0008,1155)": "2.999.9" for n in (0, 1)},
    ),
    "* is any depth": ("- */(0010,0010)", {NAME: GONE, FIRST: GONE, DEEP: GONE}),
    "+ is at least one deep": ('+/(0010,0010) ?= "n"', {FIRST: "n", DEEP: "n"}),
    ". is exactly one deep": ('./(0010,0010) ?= "n"', {FIRST: "n"}),
    # private elements
    "a private element is found by its creator": ("- (0019,{TOY MAKER}01)", {"(0019,1001)": GONE}),
    "another creator's stays": ("- (0019,{TOY SHOP}01)", {"(0019,1101)": GONE}),
    "a wildcard group finds every block of the creator": (
        "- (XXX#,{TOY MAKER}XX)",
        {"(0019,1001)": GONE, "(0019,1002)": GONE, "(0021,1001)": GONE},
    ),
    "a private element is set": ('(0019,{TOY MAKER}01) := "z"', {"(0019,1001)": "z"}),
    "a private element is made in its block": ('(0019,{TOY MAKER}0A) := "z"', {"(0019,100A)": r"b'z\x00'"}),
    "a block is reserved for a new creator": (
        '(0019,{TOY TRAIN}01) := "zz"',
        {"(0019,0012)": "TOY TRAIN", "(0019,1201)": "b'zz'"},
    ),
    "all private elements go": (
        "removeAllPrivateTags",
        dict.fromkeys(
            [f"(0019,{e})" for e in ("0010", "0011", "1001", "1002", "1101")] + ["(0021,0010)", "(0021,1001)"]
        ),
    ),
    "private elements are retained with their creators": (
        "retainPrivateTags[{(0019,{TOY MAKER}01)}]",
        dict.fromkeys(["(0019,0011)", "(0019,1002)", "(0019,1101)", "(0021,0010)", "(0021,1001)"]),
    ),
    # conditions
    "= holds": ('(0008,0060) = "MR" ? (0010,0020) := "t" : (0010,0020) := "f"', {ID: "t"}),
    "= does not hold": ('(0008,0060) = "CT" ? (0010,0020) := "t" : (0010,0020) := "f"', {ID: "f"}),
    "= a number": ('(0020,0011) = 4 ? (0010,0020) := "t"', {ID: "t"}),
    "!= holds": ('(0008,0060) != "CT" ? (0010,0020) := "t"', {ID: "t"}),
    "a missing element is equal to nothing": ('(0010,21B0) = "" ? (0010,0020) := "t" : (0010,0020) := "f"', {ID: "f"}),
    "a missing element is unequal to everything": ('(0010,21B0) != "a" ? (0010,0020) := "t"', {ID: "t"}),
    "~ wants the whole value": ('(0008,1030) ~ "Knee" ? (0010,0020) := "t" : (0010,0020) := "f"', {ID: "f"}),
    "~ matches the whole value": ('(0008,1030) ~ "Knee.*" ? (0010,0020) := "t"', {ID: "t"}),
    "!~ is the opposite": ('(0008,1030) !~ "Hip.*" ? (0010,0020) := "t"', {ID: "t"}),
    "~ on a missing element is false": ('(0010,21B0) ~ ".*" ? (0010,0020) := "t"', {}),
    "!~ on a missing element is true": ('(0010,21B0) !~ ".*" ? (0010,0020) := "t"', {ID: "t"}),
    "a function is a condition": ('isPresent[(0010,0010)] ? (0010,0020) := "t"', {ID: "t"}),
    "if takes the first branch that holds": (
        'if (false[]) {\n - (0010,0010)\n} elseif (true[]) {\n (0010,0020) := "b"\n}\n'
        'elseif (true[]) {\n (0010,0020) := "c"\n} else { - (0010,0030) }',
        {ID: "b"},
    ),
    "else is for the rest": ('if (false[]) {}\n// comment\nelse {\n(0010,0020) := "e"\n}', {ID: "e"}),
    "an if may stand in an if": ('if (true[]) {\nif (true[]) {\n(0010,0020) := "i"\n}\n}', {ID: "i"}),
    # functions on texts
    "concatenate": ('(0010,0020) := concatenate["a", (0020,0011), subject]', {ID: "a4P0042"}),
    "format": ('(0010,0020) := format["{1}-{0}-{1}", "a", 3]', {ID: "3-a-3"}),
    "substring ends before the second number": ("(0010,0020) := substring[(0008,1030), 5, 9]", {ID: "left"}),
    "replace takes texts, not patterns": ('(0010,0020) := replace["a.b.c", ".", "-"]', {ID: "a-b-c"}),
    "lowercase": ("(0010,0020) := lowercase[(0008,1030)]", {ID: "knee left 3"}),
    "uppercase": ("(0010,0020) := uppercase[(0008,1030)]", {ID: "KNEE LEFT 3"}),
    "match gives a group of the first find": (r'(0010,0020) := match[(0008,1030), "(\\w+) (\\w+)", 2]', {ID: "left"}),
    "match that finds nothing changes nothing": ('(0010,0020) := match[(0008,1030), "Hip", 0]', {}),
    "ismatch wants the whole value": ('ismatch[(0008,1030), "Knee"] ? (0010,0020) := "t"', {}),
    "normalizeString puts _": ("(0008,0080) := normalizeString[(0008,0080)]", {"(0008,0080)": "Zo_lab"}),
    "normalizeString puts what it is told": (
        '(0008,0080) := normalizeString[(0008,0080), "oe"]',
        {"(0008,0080)": "Zooelab"},
    ),
    "normalizeString of a missing value changes nothing": ("(0010,0020) := normalizeString[(0010,21B0)]", {}),
    "hashUID of a missing value changes nothing": ("(0020,0052) := hashUID[(0020,0052)]", {}),
    "paths need no list": ("removeTags[(0010,0010), {(0010,0020)}]", {NAME: GONE, ID: GONE}),
    "and, or, equals": ('if (and[or[false[], "true"], equals["a", "a", "a"]]) {\n(0010,0020) := "t"\n}', {ID: "t"}),
    "or of false is false": ('or[false[], false[]] ? (0010,0020) := "t"', {}),
    "lookup without an entry changes nothing": ('(0010,0020) := lookup["pid", (0010,0020)]', {}),
    # functions on elements
    "valueAt": ("(0010,0020) := valueAt[(0008,1140)[0]/(0010,0010)]", {ID: "First^Zebra"}),
    "delete takes a tag as it stands": ('delete["(0019,1101)"]', {"(0019,1101)": GONE}),
    "set takes a tag as it stands": ('set["(0010,0020)", "raw"]', {ID: "raw"}),
    "removeTags, also in nested lists": (
        "removeTags[{(0010,0010), {+/(0010,0010)}}]",
        dict.fromkeys([NAME, FIRST, DEEP]),
    ),
    "a list may have a name": ("l := {(0010,0010), (0010,0020)}\nremoveTags[l]", {NAME: GONE, ID: GONE}),
    "blankValues blanks a value wherever it is": (
        "blankValues[{(0010,0010)}]",
        {NAME: "", "(0010,4000)": "", "(0019,1002)": ""},
    ),
    "blankValues takes collected values": (
        "blankValues[collectValues[{+/(0010,0010), (0010,0010)}]]",
        {NAME: "", FIRST: "", DEEP: "", "(0010,4000)": "", "(0019,1002)": ""},
    ),
    "blankValues takes texts": ('blankValues[{"PRIMARY"}]', {"(0008,0008)": r"ORIGINAL\\M"}),
    # UIDs: the project's one mapping
    "hashUID maps": ("(0020,000D) := hashUID[(0020,000D)]", {"(0020,000D)": UID("2.999.1")}),
    "mapUID maps in the same way": ('(0020,000D) := mapUID[(0020,000D), "1.2.3"]', {"(0020,000D)": UID("2.999.1")}),
    "hashUIDList maps in place": (
        "hashUIDList[{(0020,000D), */(0008,1155)}]",
        {
            "(0020,000D)": UID("2.999.1"),
            "(0008,1140)[0].(0008,1155)": UID("2.999.5"),
            "(0008,1140)[1].(0008,1155)": UID("2.999.6"),
            "(0008,1140)[1].(0008,1140)[0].(0008,1155)": UID("2.999.7"),
        },
    ),
    "mapReferencedUIDs maps what strings name": (
        'mapReferencedUIDs["1.2.3", "(0008,1140)/(0008,1155)", "(0020,000E)"]',
        {
            "(0020,000E)": UID("2.999.1.2"),
            "(0008,1140)[0].(0008,1155)": UID("2.999.5"),
            "(0008,1140)[1].(0008,1155)": UID("2.999.6"),
        },
    ),
    "hashUID leaves the standard's UIDs": ("(0008,1030) := hashUID[(0008,0016)]", {"(0008,1030)": image().SOPClassUID}),
    # dates
    "days over the end of a month": (
        "(0008,0020) := shiftDateByIncrement[(0008,0020), 1]",
        {"(0008,0020)": "20220301"},
    ),
    "days back, as a string": ('(0008,0020) := shiftDateByIncrement[(0008,0020), "-59"]', {"(0008,0020)": "20211231"}),
    "years": ('(0008,0020) := shiftDateByIncrement[(0008,0020), -2, "years"]', {"(0008,0020)": "20200228"}),
    "seconds, the fraction stays": (
        "(0008,002A) := shiftDateTimeByIncrement[(0008,002A), 31]",
        {"(0008,002A)": "20220301000001.250000"},
    ),
    "a list of dates": (
        'shiftDateTimeListByIncrement[{(0008,0020), (0008,0021), ./(0008,0020)}, 7, "days"]',
        {"(0008,0020)": "20220307", "(0008,0021)": "20220308", "(0008,1140)[0].(0008,0020)": "20210517"},
    ),
    "dates that strings name": (
        'shiftDateTimeSequenceByIncrement[86400, "(0008,1140)/(0008,0020)"]',
        {"(0008,1140)[0].(0008,0020)": "20210511"},
    ),
    "a missing date changes nothing": ("(0008,0022) := shiftDateByIncrement[(0008,0022), 1]", {}),
    "who is over 89 becomes 89": (
        "scalePatientAgeAndDobFromStudyDate[]",
        {"(0010,0030)": "19330228", "(0010,1010)": "089Y"},
    ),
    # nothing of the object
    "describe, export and echo change nothing": (
        'describe subject "who"\ndescribe session hidden\nexport subject "there"\necho subject\necho\n',
        {},
    ),
    "reject of false goes on": ('reject["false"]\n(0010,0020) := "on"', {ID: "on"}),
}


@pytest.mark.parametrize("told", CASES)
def test_the_language_sentence_by_sentence(told: str) -> None:
    script, expected = CASES[told]
    source = image()
    applied = apply(script, source)
    assert differences(source, applied.dataset) == expected
    assert source == image(), "the source is not touched"
    assert applied.rejected is None
    listed = [change.tag for change in applied.changes]
    for path in expected:
        assert any(path == tag or path.startswith((f"{tag}[", f"{tag}.")) for tag in listed), (path, listed)


@pytest.mark.parametrize("script", ["reject[]", '- (0010,0010)\nreject["true"]', '(0008,0060) = "MR" ? reject[]'])
def test_a_rejected_instance_says_where_and_comes_out_as_it_went_in(script: str) -> None:
    source = image()
    applied = apply(script, source)
    assert applied.rejected is not None
    assert applied.rejected.line == script.count("\n") + 2  # the version line comes first
    assert applied.dataset is source
    assert source == image()
    assert (applied.changes, applied.pixels) == ((), ())


def test_new_uids_differ_by_place_and_instance_and_are_the_same_in_the_next_run() -> None:
    script = "(0008,0018) := newUID[]\n(0020,0052) := newUID[]"
    one, again = apply(script).dataset, apply(script).dataset
    assert one == again
    assert one.SOPInstanceUID.startswith("2.25.")
    assert len({one.SOPInstanceUID, one.FrameOfReferenceUID, image().SOPInstanceUID}) == 3
    other = image()
    other.SOPInstanceUID = "2.999.1.2.4"
    assert apply(script, other).dataset.SOPInstanceUID != one.SOPInstanceUID


@pytest.mark.parametrize(
    ("birth", "age", "expected"),
    [
        ("19330228", "089Y", ("19330228", "089Y")),
        ("19330227", "", ("19330227", "")),
        ("19320301", "089Y", ("19320301", "089Y")),
        ("19320228", "", ("19330228", "")),
        ("", "090Y", ("", "089Y")),
        ("", "040M", ("", "040M")),
    ],
)
def test_the_age_is_scaled_only_over_89_and_only_where_it_stands(
    birth: str, age: str, expected: tuple[str, str]
) -> None:
    ds = image()
    ds.PatientBirthDate, ds.PatientAge = birth, age
    done = apply("scalePatientAgeAndDobFromStudyDate[]", ds).dataset
    assert (done.PatientBirthDate, done.PatientAge) == expected


def test_the_age_is_scaled_within_sequences_too() -> None:
    ds = image()
    ds.ReferencedImageSequence[0].PatientBirthDate = "19200101"
    ds.ReferencedImageSequence[0].PatientAge = "101Y"
    ds.ReferencedImageSequence[1].PatientAge = "003D"
    done = apply("scalePatientAgeAndDobFromStudyDate[]", ds).dataset
    first, second = done.ReferencedImageSequence
    assert (first.PatientBirthDate, first.PatientAge, second.PatientAge) == ("19330228", "089Y", "003D")


def test_a_retained_private_sequence_keeps_what_lies_in_it_and_a_retained_item_its_way() -> None:
    def nested() -> Dataset:
        inner = item(PatientID="in")
        for creator in ("TOY MAKER", "TOY SHOP"):
            inner.private_block(0x0019, creator, create=True).add_new(1, "LO", "deep")
        ds = image()
        ds.private_block(0x0019, "TOY MAKER").add_new(8, "SQ", Sequence([inner]))
        return ds

    whole = apply("retainPrivateTags[{(0019,{TOY MAKER}08)}]", nested()).dataset
    sequence = {path for path in flat(whole) if path.startswith("(0019,")}
    within = {f"(0019,1008)[0].(0019,{element})" for element in ("0010", "0011", "1001", "1101")}
    assert sequence == {"(0019,0010)", "(0019,1008)", "(0019,1008)[0].(0010,0020)", *within}
    part = apply("retainPrivateTags[+/(0019,{TOY SHOP}01)]", nested()).dataset
    assert {path for path in flat(part) if path.startswith("(0019,")} == {
        *("(0019,0010)", "(0019,1008)", "(0019,1008)[0].(0010,0020)"),
        *("(0019,1008)[0].(0019,0011)", "(0019,1008)[0].(0019,1101)"),
    }
    assert not [path for path in flat(part) if path.startswith("(0021,")]
