"""A reopened data set as the proof looks at it: each element converted apart, so that it stays as it was read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, KeysView

from pydicom.charset import convert_encodings
from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement, convert_raw_data_element
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from xnat_pixelanon.headers.identity import is_well_known
from xnat_pixelanon.headers.silence import PYDICOM_ERRORS

CHARACTER_SET = 0x00080005
_DEEPEST = 40
OWN_UIDS = (0x00080018, 0x0020000D, 0x0020000E, 0x00200052)

# One reading for both sides, whatever the file's VR: as unsigned numbers or as bytes.
_AMBIGUOUS = {"US or SS": "US", "US or OW": "OW", "OB or OW": "OW"}


class View:
    """Elements of a data set by tag, converted apart from it, so that it stays as it was read."""

    def __init__(self, ds: Dataset, encodings: list[str] | None = None, tags: Iterable[BaseTag] | None = None) -> None:
        """`tags`: only these, where the whole is not looked at; with `encodings`, those of the whole."""
        wanted = sorted(ds.keys()) if tags is None else tags
        self._raw: dict[int, DataElement | RawDataElement] = {int(tag): _taken(ds, tag) for tag in wanted}
        self._read: dict[int, DataElement] = {}
        self.encodings = encodings or convert_encodings("")
        if (own := self.get(CHARACTER_SET)) is not None:
            self.encodings = convert_encodings([str(term) for term in values_of(own)])

    def tags(self) -> KeysView[int]:
        return self._raw.keys()

    def get(self, tag: int) -> DataElement | None:
        element = self._read.get(tag) or self._raw.get(tag)
        if not isinstance(element, RawDataElement):
            return element
        if (plain := _AMBIGUOUS.get(vr_of(tag))) is not None and element.VR in (None, "UN", "US", "SS", "OB", "OW"):
            element = element._replace(VR=plain)
        elif element.VR == "UN" and vr_of(tag) == "SQ":
            element = element._replace(VR="SQ", is_implicit_VR=True, is_little_endian=True)
        read = convert_raw_data_element(element, encoding=self.encodings)
        self._read[tag] = read
        return read

    def items(self, tag: int) -> list[View]:
        element = self.get(tag)
        if element is None or element.VR != "SQ":
            return []
        return [View(item, self.encodings) for item in element.value or ()]

    def raw(self, tag: int) -> bytes:
        """The bytes of a value as they were read; none where pydicom has converted it already."""
        element = self._raw.get(tag)
        value = element.value if isinstance(element, RawDataElement) else None
        return value if isinstance(value, bytes) else b""

    def creator(self, tag: int) -> list[str]:
        """The name in a private creator element, in a list; none where there is none."""
        element = self._raw.get(tag)
        value = None if element is None else element.value
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        return [text.strip(" \0")] if isinstance(text, str) else []

    def as_vr(self, tag: int, vr: str) -> DataElement | None:
        """A private element as one of this VR; None where the file says another."""
        element = self._raw.get(tag)
        if isinstance(element, DataElement):
            return element if vr == element.VR else None
        if element is None or element.VR not in (None, "UN", vr):
            return None
        return convert_raw_data_element(element._replace(VR=vr), encoding=self.encodings)

    def everything(self, depth: int = 0) -> Iterator[DataElement]:
        """Elements at every depth; those that cannot be converted carry no readable identifier.

        Of private ones names, dates and what is in sequences. A name that is UTF-8 comes as such a second time.
        """
        for tag in self.tags():
            try:
                element = self.get(tag)
                items = self.items(tag) if depth < _DEEPEST else []
            except PYDICOM_ERRORS:
                continue  # the engine refuses it, or removes it
            if element is not None and (not (tag >> 16) % 2 or element.VR in ("PN", "DA", "DT")):
                yield element
                if "PN" in (element.VR, vr_of(tag)) and (name := _utf8(self.raw(tag))):
                    yield DataElement(tag, "PN", name)
            for item in items:
                yield from item.everything(depth + 1)


def _taken(ds: Dataset, tag: BaseTag) -> DataElement | RawDataElement:
    before = ds.get_item(tag, keep_deferred=True)
    try:
        return ds.get_item(tag)
    except PYDICOM_ERRORS:
        ds[tag] = before  # pydicom leaves a broken one, which the next look would take for sound
        raise


def _utf8(value: bytes) -> str:
    try:
        return "" if value.isascii() else value.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def vr_of(tag: int) -> str:
    return dictionary_VR(tag) if dictionary_has_tag(tag) else ""


def name_of(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def values_of(element: DataElement | None) -> list[str]:
    """Values as text, padding dropped; one empty value counts as none."""
    if element is None or element.value is None:
        return []
    value = element.value
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__") or (element.VR == "PN" and element.VM < 2):
        value = [value]
    if element.VR == "SQ":
        return ["item"] * len(value)
    if (plain := _AMBIGUOUS.get(vr_of(int(element.tag)))) and all(isinstance(part, int) for part in value):
        words = [part & 0xFFFF for part in value]
        value = words if plain == "US" else [struct.pack(f"<{len(words)}H", *words)]
    texts = [part.hex() if isinstance(part, bytes) else str(part).strip(" \0") for part in value]
    return [] if texts in ([""], []) else texts


def flat(item: View) -> str:
    """An item as text, to compare whole items by."""
    return repr(
        sorted((tag, [flat(part) for part in item.items(tag)] or values_of(item.get(tag))) for tag in item.tags())
    )


def own_uids(source: View) -> frozenset[str]:
    """Digits of the UIDs of study, series, instance and frame of reference."""
    uids = {uid for tag in OWN_UIDS for uid in values_of(source.get(tag))}
    return frozenset(uid.replace(".", "") for uid in uids if uid and not is_well_known(uid))


def ae_titles(source: Dataset) -> list[str]:
    """Source, Sending and Receiving Application Entity Title of the file meta information (PS3.10 7.1)."""
    meta = View(getattr(source, "file_meta", Dataset()))
    return [text for tag in (0x00020016, 0x00020017, 0x00020018) for text in values_of(meta.get(tag))]
