"""What can be checked of each screen without eyes: nothing cut off, every control named, contrast, one next action."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.review.chromium import Chromium
from tests.review.screens import screens

CUT_OFF = """[...document.querySelectorAll("button, a, label, legend, h1, h2, h3, th, .mark")]
  .filter((one) => one.checkVisibility() && one.closest(".tile") === null)
  .filter((one) => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline")
  .map((one) => one.textContent)"""
UNNAMED = """[...document.querySelectorAll("button, a, input, select, textarea, [role=listbox], [role=option], g")]
  .filter((one) => one.checkVisibility())
  .filter((one) => !(one.getAttribute("aria-label") ?? "").trim() && !one.textContent.trim()
    && ![...(one.labels ?? [])].some((label) => label.textContent.trim()))
  .map((one) => one.outerHTML.slice(0, 120))"""
TWICE = """(() => { const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  return ids.filter((one, at) => ids.indexOf(one) !== at); })()"""
FAINT = """(() => {
  const light = (text) => {
    const parts = text.match(/[\\d.]+/g).map(Number).slice(0, 3).map((one) => one / 255);
    const [r, g, b] = parts.map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (!/, 0\\)$/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("#top *, main *")]
    .filter((one) => one.checkVisibility() && !one.closest("svg") && !one.disabled)
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()))
    .filter((one) => {
      const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05) < 4.5;
    })
    .map((one) => one.outerHTML.slice(0, 120));
})()"""


@pytest.mark.parametrize("size", [(1280, 720), (820, 1180)], ids=["desktop", "tablet"])
def test_nothing_is_cut_off_faint_or_without_a_name(browser: Chromium, tmp_path: Path, size: tuple[int, int]) -> None:
    seen = []
    for name, page in screens(browser, tmp_path, size):
        seen.append(name)
        assert page.js("document.documentElement.scrollWidth <= innerWidth"), name
        for check in (CUT_OFF, UNNAMED, TWICE, FAINT):
            assert page.js(check) == [], (name, check)
        assert page.js("document.querySelectorAll('main .primary:enabled').length") <= 1, name
        assert page.js("document.querySelectorAll('h1').length") == 1, name
        assert page.trouble == []
    assert len(seen) == 7
