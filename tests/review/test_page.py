"""The page in a browser, as a person works with it: one file, no server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.review.chromium import ALT, CTRL, SHIFT, Chromium
from tests.review.conftest import Opened, document, go, group_of
from xnat_pixelanon.domain.templates import TemplateSet
from xnat_pixelanon.review.build import page as build


def test_boxes_are_drawn_kept_as_a_template_and_shown_black_on_every_tile(
    opened: Opened, survey: dict[str, Any]
) -> None:
    page = opened(survey)
    page.click("button", "Open this group")
    page.click("button", "Draw boxes")
    page.drag(".drawing", (0.0, 0.0), (0.5, 0.1))
    page.drag(".drawing", (0.5, 0.9), (1.0, 1.0))
    page.fill("Title", "Name line")
    page.click("button", "Keep template")
    made = document(page)["templates"]
    assert [one["title"] for one in made] == ["Name line"]
    assert made[0]["rectangles"] == [
        {"top": 0, "left": 0, "bottom": 48, "right": 320},
        {"top": 432, "left": 320, "bottom": 480, "right": 640},
    ]
    us = survey["groups"][group_of(survey, "US")]
    assert made[0]["match"] == {name: us[name] for name in ("modality", "sop_class_uid", "rows", "columns")}
    assert page.wait("document.querySelectorAll('.tile .shade').length") == 6
    assert page.text(".tile-state") == "■ blackened"
    TemplateSet.from_document(document(page))


def test_a_box_is_moved_resized_typed_and_deleted_and_every_step_is_taken_back(
    opened: Opened, survey: dict[str, Any]
) -> None:
    page = opened(survey)
    go(page, f"draw/{group_of(survey, 'US')}/new")
    numbers = "[...document.querySelectorAll('.boxes input')].map((one) => Number(one.value))"
    page.drag(".drawing", (0.25, 0.25), (0.5, 0.5))
    assert page.js(numbers) == [120, 160, 240, 320]
    page.drag(".drawing .body", (0.5, 0.5), (1.0, 0.5))
    assert page.js(numbers) == [120, 240, 240, 400]
    page.drag_points(page.point(".handle[data-edges='bottom right']"), page.point(".drawing", at=(2.0, 2.0)))
    assert page.js(numbers) == [120, 240, 480, 640], "it stays inside the image"
    page.fill("top", "470")
    assert page.js(numbers) == [470, 240, 480, 640]
    page.fill("left", "640")
    assert page.js(numbers) == [470, 240, 480, 640], "no pixel left: put back"
    page.click("button", "Delete box 1")
    assert page.js(numbers) == []
    for expected in ([470, 240, 480, 640], [120, 240, 480, 640], [120, 240, 240, 400], [120, 160, 240, 320], []):
        page.click("button", "Undo")
        assert page.js(numbers) == expected


def test_everything_can_be_done_with_the_keyboard_alone(opened: Opened, survey: dict[str, Any]) -> None:
    page = opened(survey)

    def tab_to(text: str) -> None:
        for _ in range(80):
            page.key("Tab")
            if page.focused().startswith(text):
                return
        raise AssertionError(f"Tab never comes to {text}")

    tab_to("Open this group")
    page.key("Enter")
    page.wait("document.querySelector('.grid')")
    tab_to("Scans of US")
    page.key("ArrowRight")
    page.key(" ")
    assert page.js("document.querySelectorAll('[aria-selected=true]').length") == 1
    page.key("a", CTRL)
    assert page.js("document.querySelectorAll('[aria-selected=true]').length") == 3
    page.key("Enter")
    page.wait("document.querySelector('.drawing')")
    tab_to("Picture.")
    page.key("n")
    assert page.focused().startswith("Box 1: rows 210–270, columns 240–400")
    page.key("ArrowUp", SHIFT, times=3)
    page.key("ArrowLeft")
    page.key("ArrowRight", ALT, times=2)
    assert page.focused() == "Box 1: rows 180–240, columns 239–401"
    page.key("n")
    page.key("Delete")
    assert page.js("document.querySelectorAll('.boxes li').length") == 1
    tab_to("Keep template")
    page.key("Enter")
    page.wait("document.querySelector('.grid')")
    assert document(page)["templates"][0]["rectangles"] == [{"top": 180, "left": 239, "bottom": 240, "right": 401}]
    page.key("z", CTRL)
    assert document(page)["templates"] == []


def test_clean_excluded_and_overridden(opened: Opened, survey: dict[str, Any]) -> None:
    page = opened(survey)
    go(page, f"group/{group_of(survey, 'CT')}")
    page.click("button", "Nothing burned in")
    page.click("dialog button", "Nothing burned in")
    go(page, f"group/{group_of(survey, 'SR')}")
    page.click("button", "Exclude the group")
    page.fill("Reason", "free text")
    page.click("dialog button", "Exclude")
    go(page, f"draw/{group_of(survey, 'US')}/new")
    page.drag(".drawing", (0.0, 0.0), (1.0, 0.1))
    page.click("button", "Keep template")
    page.click(".tile", "US_1")
    page.click(".actions button", "Exclude…")
    page.fill("Reason", "a face")
    page.click("dialog button", "Exclude")
    page.click(".tile", "US_1")
    page.click(".tile", "US_2")
    page.click("[aria-label='For the selected scans'] button", "Nothing burned in")
    page.fill("Reason", "looked at")
    page.click("dialog button", "Nothing burned in")
    page.click(".tile", "US_2")
    page.click(".tile", "US_3")
    page.click(".actions button", "Apply templates")
    page.click("dialog input[type=checkbox]")
    page.click("dialog button", "Apply")
    go(page, "summary")
    counts = page.js("[...document.querySelectorAll('.tiles li')].map((one) => one.innerText.replace(/\\s+/g, ' '))")
    assert counts == ["1 ■ blackened", "2 ✓ passed", "2 ✕ excluded", "0 ? undecided", "0 – unsupported"]
    made = document(page)
    found = TemplateSet.from_document(made)
    assert [(one.action, one.reason) for one in found.overrides] == [
        ("exclude", "a face"),
        ("pass", "looked at"),
        ("templates", ""),
    ]
    assert found.exclusions[0].reason == "free text"
    assert dict(found.templates[0].match)["modality"] == "CT"
    go(page, f"group/{group_of(survey, 'US')}")
    page.click("button", "Select all")
    page.click("button", "Reset")
    assert document(page)["overrides"] == []


def test_a_file_in_which_nothing_was_changed_does_not_say_that_it_stored(
    opened: Opened, survey: dict[str, Any]
) -> None:
    policy = {"schema_version": 1, "enabled": True, "destination": {"server": "same", "project": "CLEAN"}}
    stored = {"templates": survey["documents"]["templates"], "policy": {"version": 1, "document": policy}}
    page = opened(survey | {"documents": stored})
    go(page, "summary")
    assert "Nothing was changed here." in page.text(".next")
    assert "stored" not in page.text(".next").lower()
    policy["enabled"] = False
    page = opened(survey | {"documents": stored})
    go(page, "summary")
    assert "4 Arm publishing" in page.text(".next"), "a file does not arm, so it does not send one to the policy"
    assert page.js("document.querySelector('.next button')") is None


def test_save_downloads_a_document_that_the_store_takes(
    browser: Chromium, opened: Opened, survey: dict[str, Any], tmp_path: Path
) -> None:
    base = {"schema_version": 1, "templates": []}
    given = survey | {
        "documents": {"templates": {"version": 6, "document": base}, "policy": survey["documents"]["policy"]}
    }
    page = opened(given)
    browser.ask("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    assert "Save downloads" in page.text(".mode")
    go(page, f"draw/{group_of(survey, 'US')}/new")
    page.drag(".drawing", (0.0, 0.0), (1.0, 0.1))
    page.click("button", "Keep template")
    page.click("button", "Save")
    page.wait("document.querySelector('.next')?.innerText.includes('PIXELANON_DOCUMENTS')")
    file = tmp_path / "templates.json"
    for _ in range(200):
        if file.exists() and file.stat().st_size:
            break
        page.js("new Promise((done) => setTimeout(done, 20))")
    text = file.read_text("utf-8")
    assert TemplateSet.from_text(text).based_on == 6
    assert json.loads(text)["templates"][0]["rectangles"] == [{"top": 0, "left": 0, "bottom": 48, "right": 640}]


HOSTILE = (
    "</script><script>globalThis.owned = 1</script>",
    "<img src=x onerror='globalThis.owned = 1'>",
    "\"'><svg onload=globalThis.owned=1>",
    "{style}{script}{data}{policy}",
    "<!--<script>",
    "\u2028\u2029 \u202egnihtemos",
)


def test_no_text_of_a_file_becomes_part_of_the_page(opened: Opened, survey: dict[str, Any]) -> None:
    text = json.dumps(survey)
    for word in ("Acme Imaging", "Borealis Medical", "US_1", "US_2", "US_3", "CT_1", "first instance"):
        text = text.replace(json.dumps(word)[1:-1], json.dumps(HOSTILE[len(word) % len(HOSTILE)])[1:-1])
    hostile = json.loads(text)
    for at, group in enumerate(hostile["groups"]):
        group["sop_class_name"] = HOSTILE[at % len(HOSTILE)]
    for at, scan in enumerate(hostile["scans"]):
        scan["attributes"] |= {"series_description": HOSTILE[at % len(HOSTILE)], "station_name": HOSTILE[0]}
        scan["scan"] = HOSTILE[(at + 1) % len(HOSTILE)]
    hostile["project"] = HOSTILE[1]
    match = {"rows": 480, "columns": 640}
    box = {"top": 0, "left": 0, "bottom": 9, "right": 9}
    rules = {
        "schema_version": 1,
        "templates": [{"id": "one", "title": HOSTILE[0], "note": HOSTILE[2], "match": match, "rectangles": [box]}],
        "exclusions": [{"match": {"series_description": HOSTILE[1]}, "reason": HOSTILE[0]}],
        "overrides": [{"session": {"id": HOSTILE[2], "label": HOSTILE[1]}, "action": "exclude", "reason": HOSTILE[4]}],
    }  # fmt: skip
    hostile["documents"]["templates"] = {"version": 1, "document": rules}
    page = opened(hostile)
    us = group_of(survey, "US")
    for place in (
        "groups",
        f"group/{us}",
        f"draw/{us}/new/0",
        f"draw/{us}/one",
        "rules",
        "policy",
        "summary",
        "no/such",
    ):
        go(page, place)
        assert page.js("globalThis.owned ?? 0") == 0
        assert page.js("document.querySelectorAll('script').length") == 2
        assert page.js("[...document.querySelectorAll('img')].every((one) => /^blob:|^$/.test(one.src))")
    go(page, "rules")
    assert HOSTILE[0] in page.text("#main")


def test_nothing_can_be_loaded_and_nothing_is_inline(survey: dict[str, Any]) -> None:
    text = build(survey)
    policy = text.split('Content-Security-Policy" content="')[1].split('"')[0]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    markup = text.split("<style>")[0] + text.split("</style>")[1].split("<script")[0]
    assert " on" not in markup.replace("<noscript", "")
    assert "http:" not in text.replace("http://www.w3.org/2000/svg", "").split('id="data">')[0]
