"""Whether a label of staging that the policy keeps says who the patient is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from pydicom.dataset import Dataset

from xnat_pixelanon.domain.header_rules import HeaderRules
from xnat_pixelanon.headers.engine import ae_titles
from xnat_pixelanon.headers.residue import Identifiers, collect_from, squeeze
from xnat_pixelanon.headers.rulings import Rulings, rulings_of
from xnat_pixelanon.headers.silence import quiet
from xnat_pixelanon.headers.tree import Element, Node, path_of, read_tree

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


def held_in_labels(source: Dataset, labels: Sequence[str], rules: HeaderRules) -> str:
    """The path of the first element of which one of `labels` holds a name, number, date or UID; '' where none does.

    Patient's Name and Patient ID at the top level do not count where they are one of the labels, to the letter: XNAT's
    own script writes them there, and the owner's pattern vouches for them. What `rules` retain identifies nobody.
    InstanceError as `clean_header`.
    """
    with quiet():
        titles = Identifiers()
        titles.add_known((), ae_titles(source))
        if _in_any(titles, labels):
            return "file meta information"
        tree = read_tree(source)
        tree = replace(tree, elements=[one for one in tree.elements if not _is_label(one, labels)])
        return _held(tree, "", labels, rulings_of(rules))


def _is_label(element: Element, labels: Sequence[str]) -> bool:
    """To the letter: a subject label that XNAT made of a name, as Doe_Jane, is not what the header says."""
    return element.tag in _WRITTEN_OVER and {text.rstrip(" ^") for text in element.texts} <= set(labels)


def _held(node: Node, path: str, labels: Sequence[str], rulings: Rulings) -> str:
    for element in node.elements:
        here = path + path_of(element.tag)
        found = Identifiers()
        collect_from(found, replace(element, items=None), rulings)
        if _in_any(found, labels):
            return here
        for index, item in enumerate(element.items or ()):
            if inner := _held(item, f"{here}[{index}].", labels, rulings):
                return inner
    return ""


def _in_any(found: Identifiers, labels: Sequence[str]) -> bool:
    found.count_numbers()
    return any(found.in_description(label) for label in labels)
