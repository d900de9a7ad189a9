"""Which lines of a DicomEdit script would spoil what we publish."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnat_pixelanon.archive.anon_scripts import spoiling_lines

HARMLESS = [
    "",
    'version "6.1"\nproject != "Unassigned" ? (0008,1030) := project\n(0010,0010) := subject\n(0010,0020) := session\n',
    "removeAllPrivateTags\n- (0019,{SIEMENS MED}10)\n- (50XX,XXXX)\n-(60@@,3000)",
    "- (0008,1140)/(0020,000E)",
    "- (0008,1140)[%]/(0008,0018)",
    '(0028,0301) := "NO"',
    "(0010,0010) := (0008,0018)",
    "uid := hashUID[(0008,0018)]",
    '(0008,0020) := shiftDateByIncrement[(0008,0020), -5, "days"]',
    'set["(0008,0008)", "1"]',
    '// (0008,0018) := "1"',
    'echo "(0008,0018)"',
    'describe x "a"\nexport x "y"\ndescribe y hidden',
    'x := "a"\n(0010,0010) ~ "A.*" ? x := "b" : x := "c"',
    'if ((0008,0060) = "US") {\n - (0010,4000)\n} elseif (true[]) {\n - (0010,0010)\n} else {\n echo x\n}',
    '(0012,0063) := concatenate["a, ", \\\n "b"]',
]
SPOILING = [
    'alterPixels["rectangle","l=0,t=0,r=9,b=9","solid","v=0"]',
    "- (0008,0018)",
    "- (0020,000D)",
    "- (0020,000e)",
    "- (7FE0,0010)",
    "- (7fe0,XXXX)",
    "- (XXXX,0018)",
    "- (00@@,00XX)",
    "- */(0020,000E)",
    '(0008,0018) := "1"',
    "(0008,0018) ?= newUID[]",
    '(0008,00#8) := "1"\n- (0008,001X)',
    '(0028,0010) := "1"',
    "hashUIDList[{(0008,1155)}]",
    'mapReferencedUIDs["1.2","(0008,0018)"]',
    'set["(0008,0018)", "1"]',
    'delete["(0020,000D)"]',
    "delete[which]",
    "removeTags[{(0010,0010),(0020,000D)}]",
    "reject[true[]]",
    "noSuchFunction[(0010,0010)]",
    '( 0008,0018) := "1"',
    '"(0008,0018)" := "1"',
    "- 5",
    "blackout",
    "blackout everything",
    "§",
    '(0010,0010) := "it\\',
    'true[] ? - (0008,0018) : - (0010,0010)',
]  # fmt: skip


@pytest.mark.parametrize("script", HARMLESS)
def test_a_script_that_leaves_pixels_and_uids_alone_is_fine(script):
    assert spoiling_lines(script) == []


@pytest.mark.parametrize("script", SPOILING)
def test_whatever_touches_pixels_or_uids_or_is_not_understood_is_named(script):
    assert spoiling_lines(script)


def test_lines_are_counted_from_one_over_comments_and_continuations():
    script = 'version "6.1" // first\n\n(0010,0010) := concatenate["a", \\\n"b"]\n- (0008,0018)\n- (0010,0020)\n'
    assert spoiling_lines(script) == [5]


@given(st.text(alphabet='()-:=?{}[]"0123456789abX@#,*/ \n\\newUIDalterPixels', max_size=60))
def test_any_text_at_all_gets_an_answer(script):
    assert all(1 <= line <= script.count("\n") + 1 for line in spoiling_lines(script))


@given(st.sampled_from(HARMLESS), st.sampled_from(SPOILING), st.sampled_from(HARMLESS))
def test_a_spoiling_line_is_found_wherever_it_stands(before, bad, after):
    assert spoiling_lines(f"{before}\n{bad}\n{after}\n")
