"""The profile's engine: from a source data set to a cleaned one, element by element, at every sequence level.

What the table does not name is kept only if PS3.6 knows it, its value can be read, and nothing in it identifies the
source; see `rulings.basic` for the VR rules. Rules in HeaderAction:

    E.1-1 X, Z, D, U ...   the table's row          project X, Z, D, K   a row of ours in the same file
    private                odd group                group                group lengths; commands, file meta, DICOMDIR
    unknown                not in PS3.6             retired              retired, not a number, and not in the table
    VR PN, VR DA ...       a person, a time, an address that the table does not name yet
    binary                 bytes that are not on the table's list of what is needed
    UID                    a UID that the standard does not give
    identifier             the value carries something that identifies the source (residue.py)
    invalid                the value is not what its VR allows, or cannot be decoded
    pixel element          group 7FE0: the writer of pixels writes it
    retain-... K, C        an option of the policy; clean-... C too (rulings.py)
    exception ...          an exception of the policy
    script 3:5             the project's script, with line and column: what it set stays (scripted.py)
    no profile             the policy leaves all to the script (rulings.py)
    label, provenance      see provenance.py
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from xnat_pixelanon.domain.header_rules import MODIFIED_DATES
from xnat_pixelanon.errors import InstanceError
from xnat_pixelanon.headers import provenance
from xnat_pixelanon.headers.conditions import Context, resolve
from xnat_pixelanon.headers.constants import DUMMIES, IN_CODES
from xnat_pixelanon.headers.identity import Identity, registered_as
from xnat_pixelanon.headers.options import private_text, safe_private, under_option
from xnat_pixelanon.headers.profile import lookup
from xnat_pixelanon.headers.request import CleanedHeader, HeaderAction, HeaderRequest
from xnat_pixelanon.headers.residue import Identifiers, collect
from xnat_pixelanon.headers.rulings import DESCRIPTIVE_VRS, Rulings, rulings_of
from xnat_pixelanon.headers.scripted import Scripted, scripted
from xnat_pixelanon.headers.settled import settled_by
from xnat_pixelanon.headers.shift import is_temporal
from xnat_pixelanon.headers.silence import quiet
from xnat_pixelanon.headers.tree import (
    CHARSET_VRS,
    DATE_VRS,
    HEADER_REFUSED,
    NUMBER_STRING_VRS,
    SPECIFIC_CHARACTER_SET,
    STRING_VRS,
    Element,
    Node,
    as_read,
    dictionary_vr,
    path_of,
    read_tree,
    well_padded,
)

SOP_CLASS_UID = 0x00080016
REQUIRED = (SOP_CLASS_UID, 0x00080018, 0x0020000D, 0x0020000E)
FUNCTIONAL_GROUPS = frozenset({0x52009229, 0x52009230})
# Without these, or with others, the pixels would mean something else: refused rather than emptied.
_ESSENTIAL = frozenset(
    {
        *REQUIRED,
        0x00080060,  # Modality
        *(0x00280000 + element for element in (0x2, 0x4, 0x6, 0x8, 0x10, 0x11, 0x100, 0x101, 0x102, 0x103)),
        *(0x00280000 + element for element in (0x1052, 0x1053, 0x1101, 0x1102, 0x1103, 0x1104, 0x3002, 0x3006)),
        *(0x00280000 + element for element in (0x1201, 0x1202, 0x1203, 0x1204, 0x1221, 0x1222, 0x1223, 0x1224)),
    }
)
_NUMPY = MappingProxyType({"FD": "f8", "FL": "f4", "SL": "i4", "SV": "i8", "UL": "u4", "UV": "u8"})
_READ_VRS = CHARSET_VRS | {"SQ"}


def clean_header(source: Dataset, request: HeaderRequest) -> CleanedHeader:
    """The cleaned header of one instance: profile, labels, UIDs and provenance. `source` is not touched.

    InstanceError(header-refused) where the object could not be cleaned and still mean what it meant: no identity UIDs,
    a SOP Class the standard does not know, sequences that cannot be parsed, an essential value that is not valid.
    """
    with quiet():
        asked = scripted(source, request)
        if asked.rejected:
            raise InstanceError(HEADER_REFUSED, f"script, {asked.rejected}: the instance is left out")
        original = read_tree(source)
        rulings = rulings_of(request.rules)
        identifiers = collect(original, request.known_identifiers, ae_titles(source), rulings)
        tree = original if asked.dataset is source else read_tree(asked.dataset)
        context = context_of(tree.elements)
        cleaner = Cleaner(request.identity, context, identifiers, rulings, shift_of(request), asked)
        cleaner.actions += asked.actions
        dataset = cleaner.node(tree, "")
        provenance.apply(dataset, request, cleaner.actions, asked)
    return CleanedHeader(dataset, tuple(cleaner.actions), asked.rectangles)


def shift_of(request: HeaderRequest) -> int:
    """Days by which dates are moved; 0 where none are."""
    return request.identity.date_shift(request.subject_label) if MODIFIED_DATES in request.rules.options else 0


def ae_titles(source: Dataset) -> list[str]:
    """Source, Sending and Receiving Application Entity Title of the file meta information (PS3.10 7.1)."""
    meta = getattr(source, "file_meta", None) or Dataset()
    return [str(meta[tag].value or "") for tag in (0x00020016, 0x00020017, 0x00020018) if tag in meta]


def context_of(elements: Iterable[Element]) -> Context:
    """What the conditions look at, from the top level; InstanceError where the object has not its UIDs."""
    elements = tuple(elements)
    values = {element.tag: element.texts[0] for element in elements if len(element.texts) == 1}
    for tag in REQUIRED:
        if not values.get(tag):
            raise InstanceError(HEADER_REFUSED, f"{path_of(tag)} is not there, or not one UID")
    if registered_as(values[SOP_CLASS_UID]) != "SOP Class":
        raise InstanceError(HEADER_REFUSED, "the SOP Class UID is not one of the standard's")
    groups = any(element.tag in FUNCTIONAL_GROUPS for element in elements)
    return Context(values[SOP_CLASS_UID], groups)


def looks_at_value(tag: int, vrs: frozenset[str], context: Context, rulings: Rulings) -> bool:
    """Whether more of an element than that it has a value decides what is done to it.

    `vrs`: what its VR in the file and its VR in PS3.6 may be. Superset: sequences, and text that has to be decoded,
    count always, as reading them can find that they cannot be read.
    """
    if not vrs.isdisjoint(_READ_VRS) or rulings.option(tag)[0] or (rulings.safe_private and tag >> 16 & 1):
        return True
    action = resolve(rulings.basic(tag)[0], tag, context)
    return action == "K" or (action == "U" and "UI" in vrs) or tag == SPECIFIC_CHARACTER_SET


def _has_value(element: Element) -> bool:
    value = element.source.value
    return value is not None and (isinstance(value, int | float) or len(value) > 0)


class Cleaner:
    """One run over one tree; collects what it did.

    What it does to an element depends on this and on the element alone: the identity that maps UIDs, the context, the
    identifiers, the rulings, the days by which dates are moved, the node (character set, encoding) and the path. It
    never looks at the element's neighbours.
    """

    def __init__(
        self,
        identity: Identity,
        context: Context,
        identifiers: Identifiers,
        rulings: Rulings,
        days: int,
        script: Scripted | None = None,
    ) -> None:
        self.identity = identity
        # The option retain-uids has no say on a few rows, whose UIDs are mapped all the same.
        self._mapping = replace(identity, keeps_uids=False)
        self.context = context
        self.identifiers = identifiers
        self.rulings = rulings
        self.days = days
        self.script = script if script is not None and script.settled else None
        self.actions: list[HeaderAction] = []

    def node(self, node: Node, path: str) -> Dataset:
        """A new data set of what may stay of `node`; kept elements are the source's own, unread."""
        kept: dict[BaseTag, RawDataElement | DataElement] = {}
        for element in node.elements:
            result = self.element(element, node, path)
            if result is not None:
                kept[BaseTag(element.tag)] = result
        ds = Dataset(kept, parent_encoding=node.encodings)
        # Lets pydicom write kept elements with the bytes that were read, where the encoding stays the same. Some files
        # are not in the encoding that their syntax says.
        implicit_vr, little_endian = node.encoding
        if all(raw.is_implicit_VR == implicit_vr for raw in kept.values() if isinstance(raw, RawDataElement)):
            ds.set_original_encoding(implicit_vr, little_endian, node.encodings)
        return ds

    def note(self, path: str, tag: int, rule: str, action: str) -> None:
        self.actions.append(HeaderAction(path + path_of(tag), rule, action))

    def element(self, element: Element, node: Node, path: str) -> RawDataElement | DataElement | None:
        """What is written for `element`, None where it goes."""
        tag = element.tag
        if tag == SPECIFIC_CHARACTER_SET:
            return self._character_set(element, node, path)
        if self.script is not None and self.script.keeps(path + path_of(tag)):
            return settled_by(self.script, self, element, path)
        if tag >> 16 & 1 and (self.rulings.safe_private or self.rulings.rules.script_alone):
            private = safe_private if self.rulings.safe_private else private_text
            kept = private(self, (element, node, path))
            if kept is not None:
                return kept
        way, rule = self.rulings.option(tag)
        if way and not element.fault and element.vr == dictionary_vr(tag):
            kept = under_option(self, way, (element, node, path), rule)
            if kept is not None:
                return kept
        basic, rule = self.rulings.basic(tag)
        action = resolve(basic, tag, self.context)
        if action == "K":
            return self.keep(element, path)
        if action == "U" and element.vr == "UI":
            return self._map(element, path, rule)
        if action == "Z" and dictionary_vr(tag):
            return self.empty(element, path, rule)
        if action == "D" and (dummy := DUMMIES.get(dictionary_vr(tag))) is not None:
            if not _has_value(element):
                return self.empty(element, path, rule)
            self.note(path, tag, rule, "replaced")
            return DataElement(tag, dictionary_vr(tag), dummy)
        self._remove(element, path, rule)
        return None

    def _character_set(self, element: Element, node: Node, path: str) -> RawDataElement | DataElement | None:
        if not node.charset:
            self.note(path, element.tag, "invalid", "removed")
            return None
        return DataElement(element.tag, "CS", list(node.charset) if len(node.charset) > 1 else node.charset[0])

    def empty(self, element: Element, path: str, rule: str) -> DataElement:
        tag, vr = element.tag, dictionary_vr(element.tag) or element.vr
        if _has_value(element):
            if tag in _ESSENTIAL:
                raise InstanceError(HEADER_REFUSED, f"{path}{path_of(tag)} would have to be emptied: {rule}")
            self.note(path, tag, rule, "emptied")
        return DataElement(tag, vr, Sequence() if vr == "SQ" else "" if vr in STRING_VRS else None)

    def _remove(self, element: Element, path: str, rule: str) -> None:
        if element.tag in _ESSENTIAL:
            raise InstanceError(HEADER_REFUSED, f"{path}{path_of(element.tag)} would have to be removed: {rule}")
        self.note(path, element.tag, rule, "removed")

    def _map(self, element: Element, path: str, rule: str) -> RawDataElement | DataElement:
        if element.fault:
            return self.empty(element, path, "invalid")
        identity = self.identity if rule == "UID" else self._mapping
        mapped = [identity.mapped_uid(uid, element.tag) for uid in element.texts]
        if mapped == list(element.texts) and well_padded(element):
            return element.source
        if mapped != list(element.texts):
            self.note(path, element.tag, rule, "mapped")
        return DataElement(element.tag, "UI", mapped if len(mapped) > 1 else "".join(mapped))

    def keep(self, element: Element, path: str) -> RawDataElement | DataElement | None:
        tag, vr, source = element.tag, element.vr, element.source
        if element.items is not None and not element.fault:
            here = path + path_of(tag)
            items = [self.node(item, f"{here}[{index}].") for index, item in enumerate(element.items)]
            return DataElement(tag, "SQ", Sequence(items))
        if vr == "UI":
            return self._map(element, path, "UID")
        if element.fault:
            if vr in STRING_VRS and element.fault != "VR":
                return self.empty(element, path, "invalid")
            self._remove(element, path, "invalid")
            return None
        if vr in DATE_VRS:  # without a profile only: else an option says it, or it goes
            right = all(not text or is_temporal(text, vr) for text in element.texts)
            born = self.identifiers.born(element.texts)
            return self.empty(element, path, "identifier") if born or not right else as_read(element)
        if vr in STRING_VRS:
            identifying = [self.identifies(text, element) for text in element.texts]
            if any(identifying):
                return self._without(element, path, identifying)
            if isinstance(source, RawDataElement) and self.bytes_identify(source.value or b"", element):
                return self._emptied_or_dummy(element, path)
        elif isinstance(source.value, bytes) and self.binary_identifies(source, source.value, vr):
            self._remove(element, path, "identifier")
            return None
        return as_read(element)

    def _without(self, element: Element, path: str, identifying: list[bool]) -> DataElement:
        """The values that identify nothing, in their places; the others empty."""
        texts = ["" if bad else text for text, bad in zip(element.texts, identifying, strict=True)]
        if element.tag in _ESSENTIAL or not any(texts):
            return self._emptied_or_dummy(element, path)
        self.note(path, element.tag, "identifier", "emptied in part")
        return DataElement(element.tag, element.vr, texts)

    def _emptied_or_dummy(self, element: Element, path: str) -> DataElement:
        """A value that identifies goes; in a code something has to stand in its place."""
        tag = element.tag
        if tag not in IN_CODES:
            return self.empty(element, path, "identifier")
        self.note(path, tag, "identifier", "replaced")
        return DataElement(tag, dictionary_vr(tag), DUMMIES[dictionary_vr(tag)])

    def identifies(self, text: str, element: Element) -> bool:
        if element.vr in NUMBER_STRING_VRS:
            return self.identifiers.in_number(text, element.tag)
        if self.rulings.rules.script_alone and element.vr in DESCRIPTIVE_VRS:
            return self.identifiers.in_description(text, element.tag)  # the profile would have emptied most of them
        code, product = element.vr == "CS", _names_product(element.tag)
        return self.identifiers.in_text(text, code=code, product=product, tag=element.tag)

    def binary_identifies(self, source: RawDataElement | DataElement, value: bytes, vr: str) -> bool:
        if self.identifiers.in_bytes(value):
            return True
        code = _NUMPY.get(vr)
        little = not isinstance(source, RawDataElement) or source.is_little_endian
        return code is not None and self.identifiers.in_binary_number(value, ("<" if little else ">") + code)

    def bytes_identify(self, value: bytes, element: Element) -> bool:
        """Whether text lies in the bytes of a value that its character set reads as something else."""
        if value.isascii() and b"\x1b" not in value:
            return False
        product = _names_product(element.tag)
        return self.identifiers.in_text(value.decode("latin-1"), code=True, product=product, tag=element.tag)


def _names_product(tag: int) -> bool:
    row = lookup(tag)
    return row is not None and row.search == "product"
