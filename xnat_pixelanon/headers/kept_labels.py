"""Whether a label of staging that the policy keeps says who the patient is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pydicom.dataset import Dataset

from xnat_pixelanon.headers.residue import Identifiers, collect_from, squeeze
from xnat_pixelanon.headers.rulings import BASIC
from xnat_pixelanon.headers.silence import quiet
from xnat_pixelanon.headers.tree import Node, path_of, read_tree


def held_in_labels(source: Dataset, labels: Sequence[str]) -> str:
    """The path of the first element of which one of `labels` holds a name, number or date; '' where none does.

    A value that is one of the labels as a whole does not count: XNAT's own script writes them over Patient's Name and
    ID, and the owner's pattern vouches for them. InstanceError as `clean_header`.
    """
    with quiet():
        return _held(read_tree(source), "", {squeeze(label) for label in labels}, labels)


def _held(node: Node, path: str, whole: set[str], labels: Sequence[str]) -> str:
    for element in node.elements:
        here = path + path_of(element.tag)
        found = Identifiers()
        if not {squeeze(text) for text in element.texts} <= whole:
            collect_from(found, replace(element, items=None), BASIC)
            found.count_numbers()
        if any(found.in_description(label) for label in labels):
            return here
        for index, item in enumerate(element.items or ()):
            if inner := _held(item, f"{here}[{index}].", whole, labels):
                return inner
    return ""
