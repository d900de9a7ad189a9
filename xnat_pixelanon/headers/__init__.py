"""Headers: the profile and its engine, identities, provenance, and the proof of a written header.

The rooms `pixels` and `archive` are not imported here, nor may they import this one.
"""

from __future__ import annotations

from xnat_pixelanon.headers.carriers import CARRIERS, carriers_of
from xnat_pixelanon.headers.encode import encode_header, encode_parts
from xnat_pixelanon.headers.engine import clean_header
from xnat_pixelanon.headers.explain import ElementTold, explain
from xnat_pixelanon.headers.identity import Identity
from xnat_pixelanon.headers.kept_labels import held_in_labels
from xnat_pixelanon.headers.memory import HeaderMemory
from xnat_pixelanon.headers.profile import PROFILE_EDITION, describe, profile_digest
from xnat_pixelanon.headers.proof_bytes import prove_bytes
from xnat_pixelanon.headers.proof_memory import ProofMemory
from xnat_pixelanon.headers.proof_series import prove_header
from xnat_pixelanon.headers.request import CleanedHeader, EncodedHeader, HeaderAction, HeaderProof, HeaderRequest
from xnat_pixelanon.headers.rulings import exception_problems
from xnat_pixelanon.headers.scripted import Scripted, check_script, script_notes, scripted
from xnat_pixelanon.headers.splice import write_header

__all__ = [
    "CARRIERS",
    "PROFILE_EDITION",
    "CleanedHeader",
    "ElementTold",
    "EncodedHeader",
    "HeaderAction",
    "HeaderMemory",
    "HeaderProof",
    "HeaderRequest",
    "Identity",
    "ProofMemory",
    "Scripted",
    "carriers_of",
    "check_script",
    "clean_header",
    "describe",
    "encode_header",
    "encode_parts",
    "exception_problems",
    "explain",
    "held_in_labels",
    "profile_digest",
    "prove_bytes",
    "prove_header",
    "script_notes",
    "scripted",
    "write_header",
]
