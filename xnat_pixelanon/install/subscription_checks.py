"""The doctor's look at the Event Service: whether sessions are published as they arrive, once, and as whom."""

from __future__ import annotations

from xnat_pixelanon.archive import Role, project_role
from xnat_pixelanon.errors import NotFoundError, RightsError
from xnat_pixelanon.install import event_service
from xnat_pixelanon.install.container_service import Registered, Server
from xnat_pixelanon.install.event_service import STATUSES, EventService, Subscription
from xnat_pixelanon.install.findings import Findings
from xnat_pixelanon.install.subscribing import wrapper_numbers
from xnat_pixelanon.pipeline.launching import SESSION_ENTRY


class SubscriptionChecks:
    """`clean` is the clean project where it is on the same server."""

    def __init__(self, findings: Findings, server: Server, project: str, clean: str) -> None:
        self._findings = findings
        self._server = server
        self._events = EventService(server)
        self._project = project
        self._clean = clean
        self._remedy = f"let an owner run 'xnat-pixelanon install --project xnat:{project} --events'"

    def run(self, needed: Registered | None, everything: list[Registered], *, expected: bool) -> None:
        """`expected`: without both subscriptions, on and right, there is a problem."""
        on = self._service(expected=expected)
        try:
            told = self._events.listed(self._project)
        except RightsError:
            self._findings.warn(
                "subscriptions", "this account cannot see them", "run doctor as an owner of the project"
            )
            return
        except NotFoundError:
            return  # told by _service
        if told is None and on is None:
            on = self._is_off(expected=expected)
        listed = told or []
        session, known = wrapper_numbers(everything)
        mine = {one.name: one for one in listed if event_service.is_ours(one, self._project, session, known)}
        if not mine and not expected:
            why = "; the Event Service is off, and lists none while it is" if on is False else ""
            detail = f"there are none{why}: sessions are published when somebody starts a run"
            self._findings.ok("subscriptions", detail)
        else:
            for status in STATUSES:
                self._one(status, mine.get(event_service.name_of(status, self._project)), needed)
        for one in listed:
            if one.name not in mine and one.wrapper in session:
                self._foreign(one)
        self._reach([one for one in listed if one.wrapper in session])

    def _service(self, *, expected: bool) -> bool | None:
        """Whether it is on; None where this account may not know."""
        try:
            on = self._events.is_on()
        except RightsError:
            return None
        except NotFoundError:
            if expected:
                self._findings.problem("Event Service", "not on this server", "an XNAT of 1.8 or newer has it")
            return None
        if on:
            self._findings.ok("Event Service", "on")
            return True
        return self._is_off(expected=expected)

    def _is_off(self, *, expected: bool) -> bool:
        tell = self._findings.problem if expected else self._findings.warn
        remedy = "let a site administrator turn it on, or run 'xnat-pixelanon install --project ... --events'"
        tell("Event Service", "off: nothing is published by itself", remedy)
        return False

    def _one(self, status: str, found: Subscription | None, needed: Registered | None) -> None:
        check = f"subscription {status}"
        if found is None:
            lost = "as they arrive" if status == "CREATED" else "when something is added to them"
            self._findings.problem(check, f"missing: sessions are not published {lost}", self._remedy)
            return
        wrapper = needed.wrappers.get(SESSION_ENTRY, "") if needed else found.wrapper
        wrong = event_service.deviations(found, event_service.wanted(status, self._project, wrapper))
        if wrong:
            self._findings.problem(check, f"not as it has to be: {', '.join(wrong)}", self._remedy)
        elif found.document.get("valid") is False:
            self._findings.problem(check, "XNAT says that it is not valid", self._remedy)
        elif self._is_refused(check, found.owner):
            return
        else:
            self._works(check, found)

    def _works(self, check: str, found: Subscription) -> None:
        """A payload filter may be meant, and may let nothing through; its text can hold labels, and is not told."""
        detail = f"active, launches wrapper {found.wrapper}, runs as {found.owner or 'its owner'}"
        if found.is_narrowed:
            detail += "; it has a payload filter: sessions that do not match are not published as they arrive"
            remedy = "let an owner look at the filter in XNAT, and take it out unless it is meant"
            self._findings.warn(check, detail, remedy)
        else:
            self._findings.ok(check, detail)

    def _is_refused(self, check: str, owner: str) -> bool:
        """Whether what it launches would be refused: it runs under the account that made the subscription."""
        for project in (self._project, self._clean) if owner else ():
            if project and project_role(self._server.connection, project, owner) is not Role.OWNER:
                detail = f"it runs as {owner}, who is no owner of {project}: its runs are refused"
                self._findings.problem(check, detail, "delete it; " + self._remedy)
                return True
        return False

    def _foreign(self, found: Subscription) -> None:
        detail = f"{found.name!r} launches our wrapper too: sessions are looked at twice, or unasked"
        self._findings.warn("other subscriptions", detail, "delete it in XNAT unless you know what it is for")

    def _reach(self, listed: list[Subscription]) -> None:
        for one in listed:
            if not one.projects:
                detail = f"{one.name!r} has no project-ids: it launches for every project of the site"
                self._findings.problem("reach of subscriptions", detail, self._remedy)
            elif self._clean and self._clean in one.projects:
                detail = f"{one.name!r} listens to the clean project {self._clean}: what is published launches it again"
                self._findings.problem("reach of subscriptions", detail, "take the clean project out of it")
