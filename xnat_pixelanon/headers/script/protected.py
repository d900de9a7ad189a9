"""What a script must not change, as the instance would mean something else, or nothing."""

from __future__ import annotations

CHARACTER_SET = 0x00080005
_SOP_CLASS = 0x00080016
_IDENTITY = frozenset({0x00080018, 0x0020000D, 0x0020000E})
# PS3.3 C.7.6.3: with others the pixels would mean something else.
_MATRIX = frozenset(0x00280000 + element for element in (2, 4, 6, 8, 0x10, 0x11, 0x100, 0x101, 0x102, 0x103))


def forbidden(tag: int, *, nested: bool, emptied: bool) -> str:
    """Why this element must not be changed, '' where it may. `emptied`: it would be removed, or have no value."""
    if tag == CHARACTER_SET:
        return "Specific Character Set belongs to the values that are written in it"
    if nested:
        return ""
    if tag >> 16 < 8 or (tag & 0xFFFF == 0 and not (tag >> 16) % 2):
        return "file meta, commands and group lengths are not a script's"
    if tag >> 16 == 0x7FE0:
        return "pixel data are not a script's, but for alterPixels"
    if tag in _MATRIX or tag == _SOP_CLASS:
        return "what says how to read the object and its pixels is not a script's"
    if tag in _IDENTITY and emptied:
        return "an instance needs its SOP Instance, Study and Series Instance UID"
    return ""
