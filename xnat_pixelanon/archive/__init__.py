"""Where sessions come from and go to: XNAT projects and folders. The only room that talks to an XNAT."""

from __future__ import annotations

from xnat_pixelanon.archive.connection import Credentials, Timeouts, XnatConnection, connect
from xnat_pixelanon.archive.dir_destination import DirDestination
from xnat_pixelanon.archive.dir_source import DirSource
from xnat_pixelanon.archive.documents import XnatDocumentStore
from xnat_pixelanon.archive.inbound import Waits
from xnat_pixelanon.archive.locations import DirLocation, Location, XnatLocation, parse_location
from xnat_pixelanon.archive.report_store import XnatReportStore
from xnat_pixelanon.archive.rights import (
    Accessibility,
    Role,
    prearchive_code,
    project_accessibility,
    project_exists,
    project_role,
)
from xnat_pixelanon.archive.script_check import OwnScript, own_script
from xnat_pixelanon.archive.xnat_destination import XnatDestination
from xnat_pixelanon.archive.xnat_source import XnatSource

__all__ = [
    "Accessibility",
    "Credentials",
    "DirDestination",
    "DirLocation",
    "DirSource",
    "Location",
    "OwnScript",
    "Role",
    "Timeouts",
    "Waits",
    "XnatConnection",
    "XnatDestination",
    "XnatDocumentStore",
    "XnatLocation",
    "XnatReportStore",
    "XnatSource",
    "connect",
    "own_script",
    "parse_location",
    "prearchive_code",
    "project_accessibility",
    "project_exists",
    "project_role",
]
