"""contact-sheet.png: the pictures of a run in one. XNAT shows a PNG in the browser, where it sends HTML away."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice, zip_longest

from PIL import Image, ImageDraw, ImageFont

from xnat_pixelanon.domain.pictures import Look, Shots
from xnat_pixelanon.domain.rectangle import Rectangle
from xnat_pixelanon.domain.report import RunReport, ScanReport, SessionReport
from xnat_pixelanon.reports.cases import Case, GroupOfScans

FILE = "contact-sheet.png"
_MOST_OF_CASE, _MOST = 24, 240
"""Scans that are shown: a picture has to stay one that browsers open."""
_WIDTH, _EDGE, _GAP, _SIDE = 1400, 24, 12, 160
_LINE = 20
_PAPER, _CARD, _INK, _SOFT, _BOX = "#f5f7fa", "#ffffff", "#1d2733", "#56626f", "#ffd400"
_Ink = ImageDraw.ImageDraw


def contact_sheet(report: RunReport, groups: Sequence[GroupOfScans]) -> bytes | None:
    """PNG, 1400 pixels wide, or None where there is no picture: each case of its groups with some of its scans.

    Of a scan that is blackened the source is left, its boxes drawn as lines, and the copy right of it.
    """
    share = _shares(groups)
    cards = [_card(group, case, share[id(case)]) for group in groups for case in group.cases if share[id(case)]]
    if not cards:
        return None
    head = _head(report)
    places, height = _flow([card.size for card in cards], _WIDTH - 2 * _EDGE)
    sheet = Image.new("RGB", (_WIDTH, _EDGE + head.height + height + _EDGE), _PAPER)
    sheet.paste(head, (_EDGE, _EDGE))
    for card, (left, top) in zip(cards, places, strict=True):
        sheet.paste(card, (_EDGE + left, _EDGE + head.height + top))
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def _flow(sizes: Sequence[tuple[int, int]], width: int) -> tuple[list[tuple[int, int]], int]:
    """Where each stands, from left to right in rows of `width`, and how high all are."""
    places: list[tuple[int, int]] = []
    left = top = row = 0
    for wide, high in sizes:
        if left and left + wide > width:
            left, top, row = 0, top + row + _GAP, 0
        places.append((left, top))
        left, row = left + wide + _GAP, max(row, high)
    return places, top + row


def _shares(groups: Sequence[GroupOfScans]) -> Mapping[int, int]:
    """How many scans of each case are shown: one of each, then a second of each, as far as there is room."""
    cases = [case for group in groups for case in group.cases]
    there = [[id(case)] * min(_MOST_OF_CASE, sum(map(_has_picture, case.looks))) for case in cases]
    turns = (name for turn in zip_longest(*there) for name in turn if name is not None)
    return Counter(islice(turns, _MOST))


def _head(report: RunReport) -> Image.Image:
    card = Image.new("RGB", (_WIDTH - 2 * _EDGE, 64), _PAPER)
    ink = ImageDraw.Draw(card)
    _write(ink, (0, 0), f"{'Dry run' if report.dry_run else 'Run'} {report.run}", 20, _INK)
    said = "In staging, with the boxes as lines, and right of it the copy. It shows images of staging: keep it there."
    _write(ink, (0, 30), said, 13, _SOFT)
    return card


def _card(group: GroupOfScans, case: Case, most: int) -> Image.Image:
    """One case: what it is, then its scans from left to right; a third of the sheet wide, or two, or all of it."""
    there = ((names, look) for names, look in zip(case.scans, case.looks, strict=True) if _has_picture(look))
    cells = [_cell(session, scan, look) for (session, scan), look in islice(there, most)]
    third = (_WIDTH - 2 * _EDGE - 2 * _GAP) // 3
    needed = sum(cell.width + _GAP for cell in cells) + _GAP
    width = next(
        (wide for times in (1, 2) if (wide := times * third + (times - 1) * _GAP) >= needed), _WIDTH - 2 * _EDGE
    )
    inside = width - 2 * _GAP
    places, height = _flow([cell.size for cell in cells], inside)
    heading = 3 * _LINE + _GAP
    card = Image.new("RGB", (width, heading + height + 2 * _GAP), _CARD)
    ink = ImageDraw.Draw(card)
    _write(ink, (_GAP, _GAP), f"{group.title}: {case.decision}, {case.code}", 15, _INK, inside)
    for number, line in enumerate(_counted(case, len(cells))):
        _write(ink, (_GAP, _GAP + 2 + (number + 1) * _LINE), line, 13, _SOFT, inside)
    for cell, (left, top) in zip(cells, places, strict=True):
        card.paste(cell, (_GAP + left, _GAP + heading + top))
    return card


def _counted(case: Case, shown: int) -> tuple[str, str]:
    scans = f"{_count(len(case.scans), 'scan')} in {_count(case.sessions, 'session')}"
    if shown < len(case.scans):
        scans += f", {shown} shown"
    proved = f"{case.proved} of {_count(case.files, 'file')} proved" if case.proved else ""
    return scans, "; ".join(part for part in (", ".join(case.templates), proved) if part)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _cell(session: SessionReport, scan: ScanReport, look: Look) -> Image.Image:
    shown = [shots for shots in (look.before, look.after) if shots is not None]
    width = len(shown) * _SIDE + (len(shown) - 1) * 4
    cell = Image.new("RGB", (width, _SIDE + 2 * _LINE), _CARD)
    ink = ImageDraw.Draw(cell)
    for number, shots in enumerate(shown):
        picture = _opened(shots)
        left = number * (_SIDE + 4) + (_SIDE - picture.width) // 2
        top = (_SIDE - picture.height) // 2
        cell.paste(picture, (left, top))
        if shots is look.before:
            _outline(ink, shots, (left, top), look.boxes)
    _write(ink, (0, _SIDE + 3), session.label, 12, _INK, width)
    names = [name for name, shots in (("in staging", look.before), ("copy", look.after)) if shots is not None]
    _write(ink, (0, _SIDE + 3 + _LINE - 4), f"scan {scan.id}: {', '.join(names)}", 12, _SOFT, width)
    return cell


def _opened(shots: Shots) -> Image.Image:
    picture: Image.Image = Image.open(io.BytesIO(shots.thumbnail.data)).convert("RGB")
    if max(picture.size) < _SIDE:  # small images as large as others: their boxes have to be seen
        times = _SIDE // max(picture.size)
        picture = picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)
    return picture


def _outline(ink: _Ink, shots: Shots, at: tuple[int, int], boxes: Sequence[Rectangle]) -> None:
    opened = _opened(shots)
    across, down = opened.width / shots.columns, opened.height / shots.rows
    for box in boxes:
        left, top = at[0] + box.left * across, at[1] + box.top * down
        right, bottom = at[0] + box.right * across - 1, at[1] + box.bottom * down - 1
        ink.rectangle((left, top, max(left, right), max(top, bottom)), outline=_BOX)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _write(ink: _Ink, at: tuple[int, int], text: str, size: int, fill: str, width: int = _WIDTH) -> None:
    """One line, cut to `width` pixels; no character of a label can be another line or change the direction."""
    font = _font(size)
    line = "".join(letter if letter.isprintable() else " " for letter in text)[:300]
    if font.getlength(line) > width:
        while line and font.getlength(line + "...") > width:
            line = line[:-1]
        line += "..."
    ink.text(at, line, fill=fill, font=font)


def _has_picture(look: Look) -> bool:
    return look.before is not None or look.after is not None
