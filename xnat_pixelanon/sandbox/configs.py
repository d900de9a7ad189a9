"""The config service: text documents with versions, per project and for the site (section 2.6)."""

from __future__ import annotations

from .anon_script import DEFAULT_SITE_SCRIPT
from .records import ConfigEntry, ConfigVersion
from .state import State, timestamp

ANON = "anon"


def find(state: State, project: str, tool: str, path: str) -> ConfigEntry | None:
    with state.lock:
        return state.configs.get((project, tool, path))


def write(state: State, project: str, tool: str, path: str, contents: str, user: str, *, reason: str = "") -> bool:
    """Stores a new version unless the text is the same; says whether the document is new."""
    with state.lock:
        entry = state.configs.get((project, tool, path))
        created = entry is None
        if entry is None:
            entry = state.configs[(project, tool, path)] = ConfigEntry(project, tool, path)
        entry.status = "enabled"
        if created or entry.latest.contents != contents:
            version = ConfigVersion(len(entry.versions) + 1, contents, user, timestamp(), reason)
            if entry.unversioned and entry.versions:
                version.version = entry.latest.version
                entry.versions[-1] = version
            else:
                entry.versions.append(version)
        return created


def row(entry: ConfigEntry, version: ConfigVersion, *, contents: bool = True) -> dict[str, str]:
    """One row of the config table."""
    fields = {
        "tool": entry.tool,
        "path": entry.path,
        "project": entry.project,
        "user": version.user,
        "create_date": version.created,
        "reason": version.reason,
        "contents": version.contents,
        "unversioned": str(entry.unversioned).lower(),
        "version": str(version.version),
        "status": entry.status,
    }
    if not contents:
        del fields["contents"]
    return fields


def script_path(project: str) -> str:
    return f"/projects/{project}" if project else "script"


def script_in_force(state: State, project: str) -> str | None:
    """The anonymisation script that runs for a project, or for the site when project is ""."""
    entry = find(state, project, ANON, script_path(project))
    if not project and not state.settings.site_script_enabled:
        return None
    if entry is None:
        return None if project else DEFAULT_SITE_SCRIPT
    return entry.latest.contents if entry.status == "enabled" else None
