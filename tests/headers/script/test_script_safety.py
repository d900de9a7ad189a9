"""What a script cannot do: reach out, run for ever, tell values, or leave a half cleaned instance behind."""

from __future__ import annotations

import ast
import io
import pickle
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from script_makers import IDENTITY, SURROUNDINGS, VARIABLES, apply, differences, flat, image

import xnat_pixelanon.headers.script as package
from xnat_pixelanon.errors import DocumentError, InstanceError, TransferError
from xnat_pixelanon.headers import HeaderRequest, clean_header
from xnat_pixelanon.headers.script import FUNCTIONS, Surroundings, compile_script
from xnat_pixelanon.headers.script.patterns import Unsafe, compile_pattern


def read_back(implicit: bool = False):
    """The image as it comes from a file: nothing converted yet."""
    ds = image()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    buffer.seek(0)
    return dcmread(buffer)


@pytest.mark.parametrize("implicit", [False, True])
def test_a_data_set_from_a_file_is_changed_as_one_in_memory_and_keeps_its_bytes(implicit: bool) -> None:
    script = '- */(0010,0010)\n(0008,0080) := "Müller"\n(0008,1140)[0]/(0010,0020) := "é"'
    ds = read_back(implicit)
    applied = apply(script, ds)
    untouched = applied.dataset.get_item(0x00081030)
    assert untouched.value.rstrip() == b"Knee left 3", "an element that no statement names stays unread"
    assert differences(read_back(implicit), applied.dataset) == differences(image(), apply(script).dataset)
    buffer = io.BytesIO()
    applied.dataset.save_as(buffer, enforce_file_format=True)
    buffer.seek(0)
    again = dcmread(buffer)
    assert (again.InstitutionName, again.ReferencedImageSequence[0].PatientID) == ("Müller", "é")
    assert flat(ds) == flat(read_back(implicit))


def test_utf_8_within_items_survives_the_copy() -> None:
    ds = image()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ReferencedImageSequence[0].PatientName = "Жук^Zebra"
    applied = apply("(0010,0020) := (0008,1140)[0]/(0010,0010)", ds)
    assert applied.dataset.PatientID == "Жук^Zebra"
    assert applied.dataset.ReferencedImageSequence[0].PatientName == "Жук^Zebra"


def test_names_in_a_sequence_that_the_file_calls_unknown_are_found() -> None:
    inner = io.BytesIO(b"\xfe\xff\x00\xe0\x12\x00\x00\x00" + b"\x10\x00\x10\x00\x0a\x00\x00\x00Quux^Zebra")
    ds = image()
    ds.private_block(0x0019, "TOY MAKER").add_new(9, "UN", inner.getvalue())
    buffer = io.BytesIO()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(buffer, enforce_file_format=True)
    buffer.seek(0)
    done = apply("- */(0010,0010)", dcmread(buffer))
    assert "(0019,1009)[0].(0010,0010)" in [change.tag for change in done.changes]


def test_a_script_crosses_process_boundaries() -> None:
    script = compile_script('describe subject "who"\n(0010,0020) := subject\nif (a = "b") {}', [*VARIABLES, "a"])
    again, surroundings = pickle.loads(pickle.dumps((script, SURROUNDINGS)))
    assert again == script
    ward = {**VARIABLES, "a": "b"}
    assert again.apply(image(), ward, surroundings) == script.apply(image(), ward, SURROUNDINGS)


def test_a_script_without_a_version_line_is_read_as_6_and_says_so() -> None:
    script = compile_script('(0010,0020) := "a"')
    assert script.version == ""
    assert script.notes == ("the script has no version line: read as DicomEdit 6",)
    assert script.apply(image(), VARIABLES, SURROUNDINGS).notes == script.notes
    assert compile_script('// c\nversion "6.3"\n').notes == ()


def test_described_and_exported_variables_are_handed_over() -> None:
    script = compile_script('describe subject "who"\ndescribe session hidden\nexport subject "there"')
    assert script.described == (("subject", "who"), ("session", "hidden"))
    assert script.exported == (("subject", "there"),)


def test_changes_name_path_action_and_line_and_the_last_one_settles() -> None:
    applied = apply('(0010,0020) := "a"\n- (0010,0020)\n(0010,0010) := (0010,0010)\n(0021,{NEW}01) := "zz"')
    assert [(change.tag, change.action, change.place.line) for change in applied.changes] == [
        ("(0010,0020)", "set", 2),
        ("(0010,0020)", "removed", 3),
        ("(0010,0010)", "set", 4),
        ("(0021,0011)", "reserved", 5),
        ("(0021,1101)", "created", 5),
    ]
    assert applied.settled == {"(0010,0010)", "(0021,0011)", "(0021,1101)"}


def test_a_settled_private_element_takes_its_creator_along_at_every_depth() -> None:
    applied = apply('(0019,{TOY MAKER}01) := "a"\n(0008,1140)[0]/(0019,{TOY MAKER}01) := "b"')
    first = "(0008,1140)[0]."
    assert applied.settled == {"(0019,0010)", "(0019,1001)", f"{first}(0019,0010)", f"{first}(0019,1001)"}


def test_the_profile_reads_what_a_script_has_made() -> None:
    script = (
        '(0010,0010) := subject\n(0008,1140)[2]/(0008,1155) := "2.999.6"\n- (0010,0030)\n(0008,1030) := "Knie größer"'
    )
    request = HeaderRequest(IDENTITY, "P0042", "P0042_1", "CLEAN", ExplicitVRLittleEndian, False, True, None, "0")
    for source in (image(), read_back(), read_back(implicit=True)):
        applied = apply(script, source)
        cleaned = clean_header(applied.dataset, request).dataset
        assert (cleaned.PatientName, cleaned.PatientID) == ("P0042", "P0042")
        assert "Quux" not in str(cleaned)


def test_pixel_data_that_were_not_read_yet_stay_where_they_are(tmp_path) -> None:
    ds = image()
    ds.add_new(0x7FE00010, "OW", bytes(48 * 64 * 2))
    ds.BitsAllocated = 16
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(tmp_path / "a", enforce_file_format=True)
    lazy = dcmread(tmp_path / "a", defer_size=1024)
    script = "blankValues[{(0010,0010)}]\nremoveAllPrivateTags\n- */(0010,0010)"
    done = apply(script, lazy).dataset
    assert done.get_item(0x7FE00010, keep_deferred=True).value is None
    assert done.PatientComments == ""


# alterPixels


def rectangles(script: str, **size: int) -> list[tuple[int, int, int, int]]:
    ds = image()
    for keyword, value in size.items():
        setattr(ds, keyword, value)
    found = [request.rectangle for request in apply(script, ds).pixels]
    return [(r.top, r.left, r.bottom, r.right) for r in found]


def altered(area: str, fill: str = "v=100") -> str:
    return f'alterPixels["rectangle", "{area}", "solid", "{fill}"]'


def test_rectangles_are_asked_for_with_right_and_bottom_exclusive_and_cut_to_the_image() -> None:
    assert rectangles(altered("l=10, t=12, r=40, b=30")) == [(12, 10, 30, 40)]
    assert rectangles(altered("bottom=9,right=8,top=1,left=2")) == [(1, 2, 9, 8)]
    assert rectangles(altered("l=-5,t=-5,r=2147483647,b=2147483647")) == [(0, 0, 48, 64)]
    script = 'r := "l=0,t=0,r=9,b=9"\nif (true[]) {\nalterPixels[" Rectangle ", r, "SOLID", "r=1,g=2,b=3"]\n}'
    (request,) = apply(script).pixels
    assert (request.rectangle.as_dict(), request.fill) == ({"top": 0, "left": 0, "bottom": 9, "right": 9}, (1, 2, 3))
    assert request.place.line == 4
    assert apply(altered("l=0,t=0,r=9,b=9", "")).pixels[0].fill == ()


def test_pixels_are_only_asked_for_never_touched() -> None:
    assert differences(image(), apply(altered("l=0,t=0,r=9,b=9")).dataset) == {}


def test_an_object_without_an_image_has_nothing_to_blacken_and_it_is_said() -> None:
    ds = image()
    del ds.Rows, ds.Columns
    applied = apply(altered("l=0,t=0,r=9,b=9"), ds)
    assert applied.pixels == ()
    assert applied.notes == ("line 2, column 1: alterPixels: the instance has no image",)


# outside


def test_an_address_is_asked_only_where_its_host_is_allowed() -> None:
    asked = []

    def fetch(url: str) -> str:
        asked.append(url)
        return "one\ntwo\n"

    surroundings = Surroundings(IDENTITY.mapped_uid, frozenset({"names.example"}), fetch)
    done = apply('(0010,0020) := getURL["https://names.example/id"]', surroundings=surroundings)
    assert (done.dataset.PatientID, asked) == ("onetwo", ["https://names.example/id"])
    for url in (
        "http://other.example/names.example",
        "http://names.example@other.example/",
        "http://other.example\\\\@names.example/",
        "http://names.example.other.example/",
        "file://names.example/etc",
        "ftp://names.example/",
        "http://[names.example/",
        "http://names.example/a b",
        "//names.example/",
        "",
    ):
        with pytest.raises(InstanceError, match="asks only hosts"):
            apply(f'(0010,0020) := getURL["{url}"]', surroundings=surroundings)
    assert len(asked) == 1


@pytest.mark.parametrize("error", [OSError("Quux"), ValueError("Quux"), TransferError("Quux")])
def test_a_host_that_does_not_answer_refuses_the_instance_and_is_not_quoted(error: Exception) -> None:
    def fetch(_: str) -> str:
        raise error

    surroundings = Surroundings(IDENTITY.mapped_uid, frozenset({"names.example"}), fetch)
    with pytest.raises(InstanceError) as caught:
        apply('(0010,0020) := getURL["https://names.example/id"]', surroundings=surroundings)
    assert caught.value.detail == "script, line 2, column 16: getURL got no answer"


def test_a_table_that_is_attached_is_looked_up() -> None:
    surroundings = Surroundings(IDENTITY.mapped_uid, tables={("pid", "Q-17"): "R-1"})
    done = apply('(0010,0020) := lookup["pid", (0010,0020)]', surroundings=surroundings)
    assert done.dataset.PatientID == "R-1"
    assert apply('(0010,0020) := lookup["pid", "none"]').notes == (
        "line 2, column 16: lookup: the table has no such entry",
    )


def test_the_language_has_no_way_to_files_processes_or_evaluation() -> None:
    for path in Path(package.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "open", "compile", "__import__", "getattr_", "print"}, (
                    path.name
                )
            if isinstance(node, ast.Import | ast.ImportFrom):
                name = node.names[0].name if isinstance(node, ast.Import) else str(node.module)
                allowed = {"importlib.resources": "parse.py", "urllib.parse": "text_functions.py"}
                assert allowed.get(name, path.name) == path.name
                assert name.split(".")[0] not in {"os", "pathlib", "socket", "subprocess", "http", "requests", "sys"}


# time


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+b",
        "(a*)*",
        "(a|aa)+",
        "(a|b|ab)*c",
        "((a{0,9}){0,9}){0,9}",
        "(a+){2,}",
        "(?:a?){64}a{64}",
        "(a|a)(a|a)" * 16,
    ],
)
def test_an_expression_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(Unsafe):
        compile_pattern(pattern).first("a" * 64)


@pytest.mark.parametrize("pattern", [".*.*.*x", "a*a*a*b", "(?i)A+A+A+A+b", r"\w+\w+\w+$x", "a{0,60}a{0,60}a{0,60}b"])
def test_an_expression_takes_time_only_within_its_bound(pattern: str) -> None:
    compiled = compile_pattern(pattern)
    started = time.process_time()
    for length in (8, 64, 256, 1024, 10_000, 60_000):
        text = "a" * length
        try:
            assert compiled.first(text) is None
        except Unsafe:
            break
    else:
        pytest.fail("no length was too much")
    assert time.process_time() - started < 60


@pytest.mark.parametrize(
    ("pattern", "text", "whole"),
    [
        (r"[A-Z]{2}\d+", "AB12", True),
        (r"(?:CT|MR)-\w*", "MR-x", True),
        (r"^a.c$", "abc", True),
        (r"a.c", "a\nc", False),
        (r"\d", "٣", False),
        (r"(?i)knee", "KNEE", True),
        (r"(\d{1,3}\.){3}\d{1,3}", "10.0.0.1", True),
        (r"a\.b", "axb", False),
        (r"(?!b)[^\]x]*", "a", True),
        (r"a|", "", True),
    ],
)
def test_an_expression_that_both_java_and_python_know_matches(pattern: str, text: str, whole: bool) -> None:
    assert compile_pattern(pattern).whole(text) is whole


@pytest.mark.parametrize(
    "pattern", ["[a&&b]", "[a[b]]", "[a--b]", r"\1", "(?<n>a)", "(?m)a", "a{2,1}", "(", "[]", "*a", r"\p{L}", "[z-a]"]
)
def test_an_expression_that_means_other_things_in_java_and_python_is_refused(pattern: str) -> None:
    with pytest.raises(Unsafe):
        compile_pattern(pattern)


def test_a_long_script_compiles_and_runs_in_seconds() -> None:
    script = "".join(f'(0010,{n % 200 + 0x1000:04X}) ?= ""\n*/(0010,0010) ?= "b"\n' for n in range(3000))
    started = time.process_time()
    compiled = compile_script(script)
    assert time.process_time() - started < 30
    started = time.process_time()
    compiled.apply(image(), VARIABLES, SURROUNDINGS)
    assert time.process_time() - started < 30


def test_wildcard_steps_do_not_multiply() -> None:
    script = compile_script("- " + "*/" * 200 + "(0010,0010)")
    started = time.process_time()
    applied = script.apply(image(), VARIABLES, SURROUNDINGS)
    assert time.process_time() - started < 10
    assert len(applied.changes) == 3


# anything at all

SIGNS = "/ * + . - ? : = ~ 3 x v ( ) { } [ ] , // \\ := ?= [0] [%] subject if else echo (0010,0010) (0008,1140)"
PIECES = st.sampled_from([*SIGNS.split(), "\n", '"', '"a"', "(0019,{TOY MAKER}01)", *FUNCTIONS])


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=25).map(" ".join) | st.text(max_size=60))
def test_whatever_a_script_is_it_runs_or_is_refused_and_the_source_stays(text: str) -> None:
    source = image()
    problems: tuple[str, ...] = ()
    code = "header-refused"
    try:
        compile_script(text).apply(source, VARIABLES, SURROUNDINGS)
    except DocumentError as error:
        problems = error.problems
    except InstanceError as error:
        code = error.code
    assert all(problem.startswith("line ") for problem in problems)
    assert code == "header-refused"
    assert source == image()
