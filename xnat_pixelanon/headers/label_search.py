"""Whether a label that is to be kept holds what identifies its session: the search of residue.py, in the label."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset

from xnat_pixelanon.domain.header_rules import HeaderRules
from xnat_pixelanon.headers.engine import ae_titles
from xnat_pixelanon.headers.residue import Identifiers, collect_from, squeeze
from xnat_pixelanon.headers.rulings import rulings_of
from xnat_pixelanon.headers.silence import quiet
from xnat_pixelanon.headers.tree import Element, read_tree

_WRITTEN_OVER = frozenset({0x00100010, 0x00100020})
"""Patient's Name and Patient ID: what XNAT's own script writes labels over."""


def same_label(one: str, other: str) -> bool:
    """Whether two texts are the same but for case, accents and separators."""
    return squeeze(one) == squeeze(other)


def holds_known(label: str, known: Iterable[str]) -> bool:
    """Whether a label holds one of the identifiers that are known besides the headers."""
    found = Identifiers()
    found.add_known(known, ())
    found.count_numbers()
    return found.in_description(label)


def holds_of_header(
    labels: Sequence[str], source: Dataset, rules: HeaderRules, *, written_to_headers: bool
) -> tuple[bool, ...]:
    """For each label whether it holds a name, number, date or UID that stands in the header, at any depth.

    `written_to_headers`: Patient's Name and Patient ID at the top level are left out where their whole value is one of
    `labels`. What `rules` retain identifies nobody. InstanceError where the header cannot be read to its end.
    """
    with quiet():
        tree = read_tree(source)
        own = {squeeze(label) for label in labels} if written_to_headers else set()
        found = Identifiers()
        found.add_known((), ae_titles(source))
        for element in tree.elements:
            if not _is_label(element, own):
                collect_from(found, element, rulings_of(rules))
        found.count_numbers()
    return tuple(found.in_description(label) for label in labels)


def _is_label(element: Element, own: set[str]) -> bool:
    return element.tag in _WRITTEN_OVER and bool(own) and {squeeze(text) for text in element.texts} <= own
