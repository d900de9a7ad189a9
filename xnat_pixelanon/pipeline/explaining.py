"""`headers`: what a run would make of the header of a file, with rules from files."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.dataset import Dataset

from xnat_pixelanon.domain.policy import DestinationPolicy, Policy
from xnat_pixelanon.errors import ConfigurationError, InstanceError
from xnat_pixelanon.headers import ElementTold, HeaderRequest, explain
from xnat_pixelanon.pipeline.cleaning import header_request
from xnat_pixelanon.pipeline.rules import KEY_BYTES, RuleFiles, identity_of, key_of_file, policy_of_file, script_of_file
from xnat_pixelanon.pipeline.scratch import Scratch
from xnat_pixelanon.pixels import open_source
from xnat_pixelanon.pixels.facts import text_of

_NO_POLICY = Policy(destination=DestinationPolicy("same", "CLEAN"))


@dataclass(frozen=True, slots=True)
class FileTold:
    """One file: its elements, or why its header is refused (`code`, `detail`)."""

    elements: tuple[ElementTold, ...] = ()
    code: str = ""
    detail: str = ""


class Explainer:
    """Made once for the rules; ConfigurationError where they cannot be carried out."""

    def __init__(self, files: RuleFiles) -> None:
        self._policy = policy_of_file(files.policy) if files.policy else _NO_POLICY
        if files.script and files.policy is None:
            self._policy = replace(self._policy, script=True)
        self._script = script_of_file(files.script, self._policy)
        if files.key is not None and not files.key.exists():
            raise ConfigurationError(
                f"the key file {files.key} is not there", hint="give one that is, or none: pseudonyms are then made up"
            )
        key = key_of_file(files.key) if files.key else secrets.token_bytes(KEY_BYTES)
        self._identity = identity_of(key, self._policy)

    def tell(self, path: Path) -> FileTold:
        """What would be done to each element of the file; a rectangle is not thought of."""
        try:
            with Scratch() as scratch, scratch.folder(0) as folder, open_source(path, folder) as source:
                told = explain(source.header, self._request(source.header, source.transfer_syntax_uid))
        except InstanceError as error:
            return FileTold(code=error.code, detail=error.detail)
        return FileTold(told)

    def _request(self, header: Dataset, transfer_syntax_uid: str) -> HeaderRequest:
        patient, study = text_of(header, "PatientID"), text_of(header, "StudyInstanceUID")
        prefix = self._policy.labels.prefix
        labels = (
            self._identity.subject_label_of_patient(patient, text_of(header, "IssuerOfPatientID"), prefix=prefix),
            self._identity.session_label(study, prefix=prefix),
        )
        request = header_request(
            self._identity,
            labels,
            self._policy.destination.project,
            (patient, *self._policy.identifiers),
            self._policy.headers,
            (self._script, self._policy.url_hosts),
        )
        return replace(request, transfer_syntax_uid=transfer_syntax_uid)
