"""What is refused: in the script itself, with its place, and on an instance, without a value of it."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset
from script_makers import SURROUNDINGS, VARIABLES, apply, flat, image, item

from xnat_pixelanon.errors import DocumentError, InstanceError
from xnat_pixelanon.headers.script import FUNCTIONS, compile_script
from xnat_pixelanon.headers.script.source import MAX_NESTING, MAX_SCRIPT

IN_THE_SCRIPT = {
    "an unknown sign": ("(0010,0020) := 'a'", "line 1, column 16: this is not DicomEdit 6 here"),
    "a string without an end": ('(0010,0020) := "a', "line 1, column 16: this is not DicomEdit 6 here"),
    "a quote in a string": (r'(0010,0020) := "a\"b"', "line 1, column 18: a string cannot hold a quote"),
    "an unknown escape": (r'(0010,0020) := "a\d"', r"line 1, column 18: unknown escape \d"),
    "blanks in a tag": ('( 0010,0020) := "a"', "line 1, column 1: this"),
    "a private tag without creator": ("- (0019,XXXX)", "line 1, column 3: a private group needs its creator"),
    "a group that may be private or not": ("- (50XX,XXXX)", "line 1, column 3: the group's last digit"),
    "a path that ends in a wildcard step": ("- */*\n", "line 1, column 6: the statement ends too early"),
    "x as a name": ('x := "a"', "line 1, column 1: x alone is not a name"),
    "a word of the language as a name": ('if := "a"', "line 1, column 4: this"),
    "a statement on two lines": ('(0010,0020) :=\n"a"', "line 1, column 15: the statement ends too early"),
    "a block without an end": (
        "if (true[]) {\n- (0010,0010)\n",
        "line 2, column 14: the script ends within a statement",
    ),
    "an item number without end": (
        '(0008,1140)[100000]/(0010,0010) := "a"',
        "line 1, column 1: an item number is at most 99999",
    ),
    "a carriage return that would hide a statement": (
        "- (0010,0010) // c\r- (0010,0020)",
        "line 1, column 19: a carriage return",
    ),
    "a comment that ends in a backslash": ("// a \\\n- (0010,0010)", "line 1, column 1: a comment must not end"),
    "a version that is not known": ('version "6.7"', "line 1, column 1: the version is one of 6.0, 6.1"),
    "a version with a third number": ('version "6.1.0"', "line 1, column 1: the version is one of 6.0"),
    "two versions": ('version "6.1"\nversion "6.1"', "line 2, column 1: a script has one version line"),
    "an unknown function": ('(0010,0020) := hash["a"]', "line 1, column 16: there is no function hash"),
    "a function in another case": (
        'alterpixels["a","b","c","d"]',
        "line 1, column 1: there is no function alterpixels",
    ),
    "too few arguments": ("(0010,0020) := lowercase[]", "line 1, column 16: lowercase[] takes 1 arguments, not 0"),
    "too many arguments": ('(0010,0020) := newUID["a"]', "line 1, column 16: newUID[] takes 0 arguments, not 1"),
    "two arguments where one to two stand": (
        "shiftDateByIncrement[(0008,0020)]",
        "line 1, column 1: shiftDateByIncrement[] takes 2 to 3 arguments, not 1",
    ),
    "a variable that nobody gives": ("(0010,0020) := ward", "line 1, column 16: the variable ward has no value here"),
    "a variable before its value": (
        '(0010,0020) := v\nv := "a"',
        "line 1, column 16: the variable v has no value here",
    ),
    "the text of a function that gives none": (
        "(0010,0020) := removeTags[{(0010,0010)}]",
        "line 1, column 16: removeTags[] gives nothing",
    ),
    "a text as a condition": ('lowercase["a"] ? reject[]', "line 1, column 1: lowercase[] gives text"),
    "a list as a value": ('(0010,0020) := {"a"}', "line 1, column 16: this is a list"),
    "a text where a path is needed": ('isPresent["a"] ? reject[]', "line 1, column 11: a tag path without wildcards"),
    "a wildcard where one element is needed": (
        "isPresent[(0010,00XX)] ? reject[]",
        "line 1, column 11: a tag path without",
    ),
    "a tag without its brackets": ('delete["00100010"]', "line 1, column 8: a tag in a string"),
    "a path in a string that is none": ('mapReferencedUIDs["1", "a"]', "line 1, column 24: a tag path in a string"),
    "setting every item": ('(0008,1140)[%]/(0010,0010) := "a"', "line 1, column 1: `:=` needs the number of the item"),
    "setting without an item": (
        '(0008,1140)/(0010,0010) := "a"',
        "line 1, column 1: `:=` needs the number of the item",
    ),
    "setting an item": ('(0008,1140)[0] := "a"', "line 1, column 1: an item of a sequence takes no value"),
    "the file meta information": ('(0002,0010) := "1.2"', "line 1, column 1: file meta"),
    "the pixel data": ("- (7FE0,0010)", "line 1, column 3: file meta, commands and pixel data"),
    "the character set": ('(0008,0005) := "ISO_IR 192"', "line 1, column 1: Specific Character Set"),
    "the size of the image": ('(0028,0010) := "1"', "line 1, column 1: what says how to read"),
    "an instance without its UID": ("- (0008,0018)", "line 1, column 3: an instance needs its SOP Instance"),
    "an expression that explodes": (
        '(0010,0020) ~ "(a+)+b" ? reject[]',
        "line 1, column 15: the regular expression repeats",
    ),
    "an expression of Java's only": (
        r'ismatch["a", "\\p{L}"] ? reject[]',
        "line 1, column 14: the regular expression is none",
    ),
    "another shape": (
        'alterPixels["circle", "l=0,t=0,r=9,b=9", "solid", ""]',
        "line 1, column 1: the shape is rectangle",
    ),
    "another fill": ('alterPixels["rectangle", "l=0,t=0,r=9,b=9", "blur", ""]', "line 1, column 1: the fill is solid"),
    "an edge missing": (
        'alterPixels["rectangle", "l=0,t=0,r=9", "solid", ""]',
        "line 1, column 1: a rectangle has l, t, r",
    ),
    "an edge twice": (
        'alterPixels["rectangle", "l=0,left=0,t=0,r=9,b=9", "solid", ""]',
        "line 1, column 1: parameters are",
    ),
    "edges of another tool": (
        'alterPixels["rectangle", "x=0,y=0,w=9,h=9", "solid", ""]',
        "line 1, column 1: parameters are",
    ),
    "an edge between pixels": (
        'alterPixels["rectangle", "l=0.5,t=0,r=9,b=9", "solid", ""]',
        "line 1, column 1: parameters",
    ),
    "an inverted rectangle": (
        'alterPixels["rectangle", "l=9,t=0,r=0,b=9", "solid", ""]',
        "line 1, column 1: a rectangle needs",
    ),
    "a fill beyond 255": (
        'alterPixels["rectangle", "l=0,t=0,r=9,b=9", "solid", "v=256"]',
        "line 1, column 1: a fill value",
    ),
    "a fill of two values": (
        'alterPixels["rectangle", "l=0,t=0,r=9,b=9", "solid", "r=0,g=0"]',
        "line 1, column 1: a solid fill",
    ),
    "brackets too deep": (
        f"removeTags[{'{' * MAX_NESTING}",
        f"line 1, column 1: brackets are nested deeper than {MAX_NESTING}",
    ),
    "a script too long": ("\n" * MAX_SCRIPT + "\n", "line 1, column 1: a script has at most"),
}


@pytest.mark.parametrize("told", IN_THE_SCRIPT)
def test_a_script_is_refused_with_line_and_column(told: str) -> None:
    script, expected = IN_THE_SCRIPT[told]
    with pytest.raises(DocumentError) as caught:
        compile_script(script)
    assert caught.value.problems[0].startswith(expected)


def test_all_that_is_wrong_with_names_and_arguments_is_said_at_once() -> None:
    with pytest.raises(DocumentError) as caught:
        compile_script('(0010,0020) := ward\nfoo["a"]\nif (true[]) {\n  (0010,0010) := lowercase[]\n}')
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "line 1, column 16",
        "line 2, column 1",
        "line 4, column 18",
    ]


ON_AN_INSTANCE = {
    "a value that several elements could give": "(0010,0020) := (0010,00XX)",
    "a wildcard that names several elements to set": '(0010,00XX) := "a"',
    "a wildcard that names none to set": '(0012,00XX) := "a"',
    "an element that PS3.6 has not": '(0010,0FF0) := "a"',
    "the value of a sequence": "(0010,0020) := (0008,1140)",
    "a text for a sequence": '(0008,1140) := "a"',
    "a way through what is no sequence": '(0010,0010)[0]/(0010,0020) := "a"',
    "a date that is none": '(0008,0020) := "yesterday"',
    "a number that is none": '(0020,0011) := "four"',
    "a UID that is none": '(0020,000D) := "Quux"',
    "a text longer than its VR": f'(0010,0020) := "{"a" * 65}"',
    "a sign that the character set has not": '(0010,0010) := "Ж"',
    "an escape to another character set": '(0010,0010) := "a\x1b(Jb"',
    "a number that is not finite": '(0018,9087) := "nan"',
    "putting together what is not there": '(0010,0020) := concatenate["a", (0010,21B0)]',
    "the lower case of what is not there": "(0010,0020) := lowercase[(0010,21B0)]",
    "the upper case of what is not there": "(0010,0020) := uppercase[(0010,21B0)]",
    "replacing in what is not there": '(0010,0020) := replace[(0010,21B0), "a", "b"]',
    "finding in what is not there": '(0010,0020) := match[(0010,21B0), "a", 0]',
    "matching what is not there": 'ismatch[(0010,21B0), "a"] ? reject[]',
    "retaining what is not private": "retainPrivateTags[{(0010,0010)}]",
    "formatting what is not there": '(0010,0020) := format["{0}", (0010,21B0)]',
    "a format with a hole too many": '(0010,0020) := format["{1}", "a"]',
    "a format of Java's": '(0010,0020) := format["{0,number}", "1"]',
    "a part beyond the end": '(0010,0020) := substring["abc", 1, 4]',
    "a group that the expression has not": '(0010,0020) := match["a", "a", 1]',
    "neither true nor false": '(0008,0060) = "MR" ? reject["yes"]',
    "a variable that no branch has set": 'false[] ? v := "a"\n(0010,0020) := v',
    "a list in a variable, where a value is needed": 'v := {"a"}\n(0010,0020) := v',
    "a text in a variable, where paths are needed": 'v := "a"\nremoveTags[v]',
    "shifting a time": "(0008,0030) := shiftDateTimeByIncrement[(0008,0030), 2]",
    "shifting a date time as a date": "(0008,002A) := shiftDateByIncrement[(0008,002A), 2]",
    "shifting by seconds what has days only": '(0008,0020) := shiftDateByIncrement[(0008,0020), 2, "seconds"]',
    "an unknown unit": '(0008,0020) := shiftDateByIncrement[(0008,0020), 2, "weeks"]',
    "shifting out of the calendar": '(0008,0020) := shiftDateByIncrement[(0008,0020), 9000, "years"]',
    "shifting by no number": "(0008,0020) := shiftDateByIncrement[(0008,0020), (0010,0010)]",
    "mapping a text in place": "hashUIDList[{(0010,0010)}]",
    "a rectangle off the image": 'alterPixels["rectangle", "l=64,t=0,r=70,b=9", "solid", ""]',
    "an address that the policy does not name": '(0010,0020) := getURL["http://names.example/x"]',
    "an expression from a value that is none": 'ismatch["a", concatenate["(", (0010,0010)]] ? reject[]',
    "deleting the character set by a wildcard": "- (0008,000X)",
    "emptying a UID that an instance needs": '(0020,000E) := ""',
    "blanking what says how to read the pixels": "blankValues[{(0008,0016)}]",
    "doubling without end": 'v := "aa"\n' + "v := concatenate[v, v]\n" * 40,
    "more items than anyone needs": '(0008,1140)[999]/(0010,0010) := "a"\n(0008,1140)[1004]/(0010,0010) := "a"',
    "removing the image's size": 'delete["(0028,0010)"]',
}


@pytest.mark.parametrize("told", ON_AN_INSTANCE)
def test_a_statement_that_fails_refuses_the_instance_and_tells_no_value(told: str) -> None:
    source = image()
    with pytest.raises(InstanceError) as caught:
        apply(f"- (0010,0030)\n{ON_AN_INSTANCE[told]}", source)
    assert caught.value.code == "header-refused"
    assert caught.value.detail.startswith("script, line ")
    assert ", column " in caught.value.detail
    said = caught.value.detail.lower()
    values = {value.lower() for value in flat(image()).values() if len(value) > 2} - {"mr"}
    assert [value for value in values if value in said] == []
    assert source == image(), "nothing partial comes out"


def test_a_variable_that_was_promised_and_is_not_given_refuses_the_instance() -> None:
    script = compile_script("(0010,0020) := subject")
    assert script.variables == {"subject"}
    with pytest.raises(InstanceError, match="no value for the variable subject"):
        script.apply(image(), {"project": "CLEAN"}, SURROUNDINGS)


def test_an_age_that_nobody_can_tell_refuses_the_instance() -> None:
    for keyword, value in (("StudyDate", ""), ("PatientAge", "old"), ("PatientBirthDate", "1925")):
        ds = image()
        setattr(ds, keyword, "")
        ds[keyword]._value = value
        with pytest.raises(InstanceError, match="header-refused: script, line 2, column 1"):
            apply("scalePatientAgeAndDobFromStudyDate[]", ds)


def test_sequences_nested_without_end_refuse_the_instance() -> None:
    ds = Dataset()
    for _ in range(60):
        ds = item(ReferencedImageSequence=[ds])
    with pytest.raises(InstanceError, match="nested deeper"):
        compile_script("").apply(ds, VARIABLES, SURROUNDINGS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_refuses_a_wrong_number_of_arguments(name: str) -> None:
    function = FUNCTIONS[name]
    wrong = [function.fewest - 1] if function.fewest else []
    wrong += [] if function.rest else [len(function.takes) + 1]
    for count in wrong:
        with pytest.raises(DocumentError, match="arguments, not"):
            compile_script(f"{name}[{', '.join(['1'] * count)}]")
    assert wrong, "each has a limit"
