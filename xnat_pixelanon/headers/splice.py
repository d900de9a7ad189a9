"""From a source header to the bytes that are written, at the speed of copying: the engine's answers, remembered.

Elements of a series repeat from file to file. What the engine (engine.py) made of an element once, and the bytes that
pydicom made of that, are put together again; kept elements are the bytes that were read. Anything unusual takes the
whole way: `clean_header`, then `encode_parts`. Both ways give the same bytes and actions, and the same refusals.
"""

from __future__ import annotations

from collections.abc import Hashable

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian

from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers.conditions import Context
from xnat_pixelanon.headers.encode import encode_parts
from xnat_pixelanon.headers.engine import Cleaner, ae_titles, clean_header, shift_of
from xnat_pixelanon.headers.identity import registered_as
from xnat_pixelanon.headers.layout import Layout, Told
from xnat_pixelanon.headers.memory import HeaderMemory, size_of
from xnat_pixelanon.headers.parts import instance_digits, joined
from xnat_pixelanon.headers.plan import Outcome, Plan
from xnat_pixelanon.headers.request import EncodedHeader, HeaderRequest
from xnat_pixelanon.headers.rows import Rows, rows_of
from xnat_pixelanon.headers.rulings import rulings_of
from xnat_pixelanon.headers.safe_private import is_creator
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS, quiet


def write_header(source: Dataset, request: HeaderRequest, memory: HeaderMemory | None = None) -> EncodedHeader:
    """The file of one instance up to its pixel elements, and what was done. `source` is not touched.

    The same as `clean_header` and `encode_parts` give, whatever `memory` holds; without one nothing is remembered.
    InstanceError(header-refused) as theirs.
    """
    if memory is not None and not request.script:  # what a script does to an element depends on its neighbours too
        memory.begin()
        try:
            with quiet():
                header = _spliced(source, request, memory)
        except (InstanceError, *PYDICOM_ERRORS):
            header = None  # the whole way says what is wrong
        if header is not None:
            return header
    cleaned = clean_header(source, request)
    parts = encode_parts(cleaned.dataset, request.transfer_syntax_uid)
    return EncodedHeader(*parts, cleaned.actions, cleaned.rectangles)


def _spliced(source: Dataset, request: HeaderRequest, memory: HeaderMemory) -> EncodedHeader | None:
    rows = rows_of(source)
    layout = None if rows is None else _layout(rows, source, request, memory)
    if rows is None or layout is None or not _same_encoding(source, request):
        return None
    if layout.functional_groups and request.pixels_changed:
        return None  # Frame Type, deep within them, is changed in place
    told = layout.told_by(rows, source, memory)
    plan = None if told is None else _plan(layout, told, source, request, memory)
    if told is None or plan is None:
        return None
    outcomes = plan.outcomes(rows, source, memory)
    if _identified(outcomes, instance_digits(told.sop_instance_uid)):
        return None
    tail = plan.tail(request, outcomes, source, memory)
    new = request.identity.uid(told.sop_instance_uid)
    element, note = plan.instance(told.sop_instance_uid, new, source)
    data = [outcome.data for outcome in outcomes]
    data[layout.instance] = element
    actions = [action for outcome in outcomes[: layout.instance] for action in outcome.actions]
    actions += note
    actions += [action for outcome in outcomes[layout.instance :] for action in outcome.actions]
    data += tail.pieces
    head = plan.head(told.sop_class_uid, new, request.transfer_syntax_uid)
    return EncodedHeader(head, b"".join(tail.order(data)), (*actions, *tail.actions))


def _layout(rows: Rows, source: Dataset, request: HeaderRequest, memory: HeaderMemory) -> Layout | None:
    rulings = rulings_of(request.rules)
    key: Hashable = (rows.shape, request.rules)
    if rulings.safe_private:  # what a private element is depends on its creator
        key = (key, tuple(value for tag, value in zip(rows.tags, rows.values, strict=True) if is_creator(tag)))
    if key not in memory.layouts:
        size = 256 * len(rows.tags) + size_of(rows.shape[-1])  # of the character set, as long as a file may have it
        memory.keep_any(memory.layouts, key, Layout.of(rows, source, rulings), size)
    return memory.layouts.get(key)


def _same_encoding(source: Dataset, request: HeaderRequest) -> bool:
    """Whether kept elements can be written with the bytes that were read."""
    implicit = request.transfer_syntax_uid == ImplicitVRLittleEndian
    return request.transfer_syntax_uid != ExplicitVRBigEndian and source.original_encoding == (implicit, True)


def _plan(layout: Layout, told: Told, source: Dataset, request: HeaderRequest, memory: HeaderMemory) -> Plan | None:
    known, titles = request.known_identifiers, tuple(ae_titles(source))
    days = shift_of(request)
    key = (told.parts, request.identity, known, titles, told.sop_class_uid, days)
    plan = layout.plans.get(key)
    if plan is None:
        if registered_as(told.sop_class_uid) != "SOP Class":
            return None
        context = Context(told.sop_class_uid, layout.functional_groups)
        found = joined(told.parts, known, titles)
        plan = Plan(layout, Cleaner(request.identity, context, found, layout.rulings, days))
        size = 256 * len(layout.tags) + sum(part.size for part in told.parts)
        memory.keep_any(layout.plans, key, plan, size + size_of((known, titles, told.sop_class_uid)))
    return plan


def _identified(outcomes: list[Outcome], digits: str) -> bool:
    """Whether the SOP Instance UID stands in what was looked at: then the whole way finds where, and acts on it."""
    return any(digits in run for outcome in outcomes if outcome.runs for run in outcome.runs)
