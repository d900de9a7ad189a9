"""The switches of one stand-in XNAT: the defaults are those of a real site as installed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Settings:
    """How one sandbox behaves. Durations are seconds.

    version: what `/xapi/siteConfig/buildInfo` says.
    site_id: prefix of accession IDs (`XNAT_E00001`).
    site_script_enabled: the site anonymisation script edits each object on import.
    dead_session: what a client without a valid login gets: 401, a login page with status 200, or the guest account.
    session_timeout: idle time after which a login is forgotten.
    matching_files: what archiving does with a file whose name is there already, when neither `overwrite_files` nor
        `overwrite` is given. A real site: `conflict`. `keep` and `replace` are the pessimistic variants.
    open_workflow: what archiving into a session does while a workflow on it is open, a container's for one. A real
        site: `conflict`, unless the archive call says `overwrite=append` or `delete`.
    prevent_cross_modality: nothing is merged into a session of another type (a site preference of this name).
    archive_delay: how long an archive call works before it is done.
    archive_timeout: how long it waits before it answers 500, although the work goes on.
    rebuild_interval: quiet time after which an entry leaves RECEIVING.
    rebuild_repeat: how often that is looked at.
    checksums: whether listings give an MD5; without, the digest is "".
    keep_history: overwritten and deleted files are kept in the site's cache folder.
    running_containers: how many containers run at once. A real site on plain Docker has no such limit.
    csrf: browsers have to show the token of their login with all that changes something below `/data`.
    html_resources: `.html` files of resources are shown. A real site sends them as downloads until an admin allows it.
    batch_launch: whether the Batch Launch plugin is there, which lists workflows (`POST /xapi/workflows`).
    series_filter: called with the header of each arriving object; False drops it without a word.
    """

    version: str = "1.8.10"
    site_id: str = "XNAT"
    site_script_enabled: bool = True
    dead_session: Literal["401", "html", "guest"] = "401"
    session_timeout: float = 900.0
    matching_files: Literal["conflict", "keep", "replace"] = "conflict"
    open_workflow: Literal["conflict", "ignore"] = "conflict"
    prevent_cross_modality: bool = True
    archive_delay: float = 0.0
    archive_timeout: float = 600.0
    rebuild_interval: float = 300.0
    rebuild_repeat: float = 0.1
    checksums: bool = True
    keep_history: bool = False
    running_containers: int = 4
    csrf: bool = True
    html_resources: bool = False
    batch_launch: bool = True
    series_filter: Callable[[Dataset], bool] | None = None
