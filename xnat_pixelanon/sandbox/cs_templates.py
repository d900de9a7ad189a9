"""Plain replacement of keys, the words that inputs give the command line, and the service's way to split a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .cs_records import CommandInput, blank
from .cs_validate import strings


def replaced(template: str, table: Mapping[str, str]) -> str:
    """One pass per key in the order of a Java HashMap: a value that holds another key may be replaced again."""
    for key in _hash_order(table):
        template = template.replace(key, table[key])
    return template


def _hash_order(keys: Iterable[str]) -> list[str]:
    found = list(keys)
    buckets = 16
    while len(found) > buckets * 3 // 4:
        buckets *= 2
    return sorted(found, key=lambda key: _spread(key) % buckets)


def _spread(key: str) -> int:
    """String.hashCode, folded as HashMap does."""
    units = key.encode("utf-16-be", "surrogatepass")
    value = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (value * 31 + high * 256 + low) % 2**32
    return value ^ (value >> 16)


def for_line(entry: CommandInput, value: str) -> str:
    """Flag, separator and value; nothing at all for a blank value."""
    if blank(value):
        return ""
    many = strings(value) if entry.type == "select-many" else None
    if many is not None:
        return _many(entry, [str(one) for one in many])
    if blank(entry.command_line_flag):
        return value
    separator = " " if entry.command_line_separator is None else entry.command_line_separator
    return f"{entry.command_line_flag}{separator}{value}"


def _many(entry: CommandInput, values: list[str]) -> str:
    if not values:
        return ""
    # A blank flag is one space here, so that a separator of its own stays, with that space in front.
    flag = " " if blank(entry.command_line_flag) else str(entry.command_line_flag)
    separator = " " if blank(entry.command_line_separator) else str(entry.command_line_separator)
    prefix = "" if blank(flag + separator) else flag + separator
    match entry.multiple_delimiter:
        case "quoted-space":
            return f"{prefix}'{' '.join(values)}'"
        case "comma":
            return prefix + ",".join(values)
        case "flag":
            return prefix + f" {prefix}".join(values)
        case _:
            return prefix + " ".join(values)


def split_line(line: str) -> list[str]:
    """Quotes group, a backslash escapes (not inside '...'), nothing expands, empty words vanish."""
    words: list[str] = []
    word, quote, escaped = "", "", False
    for character in line:
        if escaped:
            word, escaped = word + character, False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            word, quote = (word, "") if character == quote else (word + character, quote)
        elif character in "'\"":
            quote = character
        elif character.isspace():
            words, word = [*words, word] if word else words, ""
        else:
            word += character
    return [*words, word] if word else words
