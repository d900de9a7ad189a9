"""The keyed identity of a project: its UIDs, pseudonyms and digests, all from one secret by HMAC-SHA256.

Each use has its own derived key, so that no output of one can be matched with an output of another.
"""

from __future__ import annotations

import base64
import hmac
import re
import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from pydicom import config
from pydicom.uid import UID

from xnat_pixelanon.errors import ConfigurationError

KEY_BYTES = 32
_LABEL_LENGTH = 16
_UID = re.compile(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_SHORTEST_SHIFT, _LONGEST_SHIFT = 30, 3652
_CODING_SCHEME_UID = 0x0008010C
_CONTEXT_UID = 0x00080117
# PS3.16 registers context groups below the first root, PS3.16 8 names HL7's code systems below the second.
_CONTEXT_GROUP = re.compile(r"1\.2\.840\.10008\.6\.1\.\d{1,4}")
_HL7_CODE_SYSTEM = re.compile(r"2\.16\.840\.1\.113883\.6\.\d{1,4}")


def is_well_known(uid: str, tag: int = 0) -> bool:
    """Whether the standard itself gives this UID (PS3.6 Annex A): classes, syntaxes, coding schemes, frames.

    Code systems of HL7 count only in Coding Scheme UID, context groups only in Context UID.
    """
    if tag == _CODING_SCHEME_UID and _HL7_CODE_SYSTEM.fullmatch(uid):
        return True
    if tag == _CONTEXT_UID and _CONTEXT_GROUP.fullmatch(uid):
        return True
    return registered_as(uid) != ""


def is_uid(text: str) -> bool:
    """Whether a text is made as a UID is (PS3.5 9.1), or empty."""
    return not text or _UID.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def registered_as(uid: str) -> str:
    """What kind of UID the registry of PS3.6 Annex A calls it, as `SOP Class`; '' where it has no such UID."""
    return UID(uid, validation_mode=config.IGNORE).type


def _framed(parts: tuple[bytes, ...]) -> bytes:
    # With their lengths, so that ("ab", "c") and ("a", "bc") differ.
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def _plain(text: str) -> bytes:
    return unicodedata.normalize("NFC", text.strip(" \0")).encode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Identity:
    """Make one with `from_keys`. Equal keys give equal outputs, in every process and release.

    `keeps_uids`: the profile's option retain-uids; what is a UID then stands for itself.
    """

    root: bytes = field(repr=False)
    keeps_uids: bool = False

    @classmethod
    def from_keys(cls, project_key: bytes, site_key: bytes | None = None) -> Identity:
        """From the project's 32 byte key; a site secret, where there is one, is mixed in by HMAC."""
        if len(project_key) != KEY_BYTES:
            raise ConfigurationError(
                f"the project key has {len(project_key)} bytes, not {KEY_BYTES}",
                hint="push the policy once more as an owner; it makes a key where there is none",
            )
        return cls(hmac.digest(site_key, project_key, "sha256") if site_key else project_key)

    def _digest(self, domain: str, *parts: bytes) -> bytes:
        key = hmac.digest(self.root, b"xnat-pixelanon/" + domain.encode(), "sha256")
        return hmac.digest(key, _framed(parts), "sha256")

    def uid(self, source: str) -> str:
        """The UID that stands for `source`: `2.25.` and a UUID (PS3.5 B.2; version 8 of RFC 9562), or `source`."""
        if self.keeps_uids and _UID.fullmatch(plain := source.strip(" \0")):
            return plain  # what only stands where a UID belongs, as a name, is no UID
        number = int.from_bytes(self._digest("uid", _plain(source))[:16], "big")
        number = number & ~(0xF << 76) | (8 << 76)
        number = number & ~(0x3 << 62) | (2 << 62)
        return f"2.25.{number}"

    def mapped_uid(self, source: str, tag: int = 0) -> str:
        """`source` if empty or well-known, else `uid(source)`; padding is dropped."""
        plain = source.strip(" \0")
        return plain if not plain or is_well_known(plain, tag) else self.uid(plain)

    def _label(self, prefix: str, domain: str, *parts: str) -> str:
        digest = self._digest(domain, *(_plain(part) for part in parts))
        return prefix + base64.b32encode(digest).decode("ascii")[:_LABEL_LENGTH]

    def subject_label(self, subject: str, *, prefix: str = "") -> str:
        """Pseudonym of an XNAT subject label, case ignored: 16 upper-case base32 characters after the prefix."""
        return self._label(prefix, "subject", subject.casefold())

    def subject_label_of_patient(self, patient_id: str, issuer: str = "", *, prefix: str = "") -> str:
        """Pseudonym of a Patient ID and its issuer, both exact but for padding."""
        return self._label(prefix, "patient", patient_id, issuer)

    def session_label(self, session: str, *, prefix: str = "") -> str:
        """Pseudonym of an XNAT experiment ID, or of a Study Instance UID where there is no XNAT."""
        return self._label(prefix, "session", session)

    def date_shift(self, subject: str) -> int:
        """By how many days dates of a subject are moved: from 30 days to ten years earlier, a negative number.

        `subject`: its label on the clean side, so that all its sessions keep their distances.
        """
        number = int.from_bytes(self._digest("dates", _plain(subject))[:8], "big")
        return -(_SHORTEST_SHIFT + number % (_LONGEST_SHIFT - _SHORTEST_SHIFT + 1))

    def keyed_digest(self, *parts: bytes) -> str:
        """Hex digest for receipts: says whether the same thing was sent, and nothing to whoever lacks the key."""
        return self._digest("digest", *parts).hex()
