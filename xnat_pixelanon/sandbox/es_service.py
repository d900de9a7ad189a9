"""The Event Service: from what happened to a session to a launch of the Container Service. Off as installed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from . import cs_objects
from .accounts import may_see
from .cs_commands import Commands
from .cs_launch import Launcher, Order
from .es_records import EVENTS, SESSION_EVENT, Delivery, Invalid, Subscription, parse_filter, passes
from .records import SessionEvent
from .state import State
from .wire import Refusal

_ROOTS = frozenset({"project", "subject", "session", "assessor", "resource", "scan"})


@dataclass(slots=True)
class EventService:
    """Subscriptions are guarded by the lock of the state; events wait in a queue for a thread of its own."""

    state: State
    launcher: Launcher
    enabled: bool = False
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    deliveries: list[Delivery] = field(default_factory=list)
    _queue: queue.SimpleQueue[SessionEvent | None] = field(default_factory=queue.SimpleQueue)
    _thread: threading.Thread | None = None

    @property
    def commands(self) -> Commands:
        return self.launcher.commands

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="sandbox-events", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._queue.put(None)
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._thread = None

    def notify(self, event: SessionEvent) -> None:
        """What happens while the service is off is never told later."""
        if self.enabled and self._thread is not None:
            self.launcher.pending.begin()
            self._queue.put(event)

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self._process(event)
            finally:
                self.launcher.pending.end()

    # Subscriptions

    def add(self, subscription: Subscription) -> Subscription:
        """Raises Invalid."""
        with self.state.lock:
            self.validate(subscription)
            subscription.id = int(self.state.next_id("subscription"))
            self.subscriptions[subscription.id] = subscription
            return subscription

    def find(self, subscription_id: int) -> Subscription:
        found = self.subscriptions.get(subscription_id)
        if found is None:
            raise Refusal(404, f"No subscription with ID {subscription_id}")
        return found

    def validate(self, subscription: Subscription) -> None:
        """Event, filter, and the wrapper enabled in each project that is listed, or on the site. Raises Invalid."""
        if subscription.event_type not in EVENTS:
            raise Invalid(f"Could not load Event class: {subscription.event_type}")
        if subscription.payload_filter:
            parse_filter(subscription.payload_filter)
        with self.state.lock:
            wrapper_id = subscription.wrapper_id
            for project in subscription.projects or [""]:
                if not self.commands.enabled(wrapper_id, project):
                    raise Invalid(f"Could not validate Action: {subscription.action_key}")

    # Events

    def _process(self, event: SessionEvent) -> None:
        session = event.experiment
        if not session.xsi_type.endswith("SessionData"):
            return
        with self.state.lock:
            met = [s for s in self.subscriptions.values() if self._meets(s, event)]
        for subscription in met:
            user = event.user if subscription.act_as_event_user else subscription.owner
            with self.state.lock:
                delivery = Delivery(
                    int(self.state.next_id("delivery")), subscription.id, subscription.name, session.project, user,
                    event.status, session.label,
                )  # fmt: skip
                self.deliveries.append(delivery)
            delivery.step("SUBSCRIPTION_TRIGGERED", "Subscription Service process started.")
            self._deliver(subscription, event, delivery)

    @staticmethod
    def _meets(subscription: Subscription, event: SessionEvent) -> bool:
        return (
            subscription.active
            and subscription.event_type == SESSION_EVENT
            and subscription.status == event.status
            and (not subscription.projects or event.experiment.project in subscription.projects)
        )

    def _deliver(self, subscription: Subscription, event: SessionEvent, delivery: Delivery) -> None:
        user = self.state.users.get(delivery.user)
        if user is None:
            delivery.step("FAILED", f"User {delivery.user} not found")
            return
        with self.state.lock:
            readable = event.status == "DELETED" or may_see(user, event.experiment, self.state)
            document: Mapping[str, object] = cs_objects.of_session(self.state, event.experiment, None)
        if not readable or not passes(subscription.payload_filter, document):
            delivery.step("OBJECT_FILTER_MISMATCH_HALT", "Event object failed filter test.")
            return
        try:
            self.validate(subscription)
        except Invalid as error:
            delivery.step("FAILED", f"Invalid subscription.\n{error}")
            return
        projects = subscription.projects
        # With no project listed the launch has none: a project's presets are not seen, and it is no one's context.
        project = "" if not projects else projects[0] if len(projects) == 1 else event.experiment.project
        try:
            _, wrapper = self.commands.wrapper(subscription.wrapper_id)
            root = next(entry.name for entry in wrapper.external_inputs if entry.type.lower() in _ROOTS)
        except StopIteration:
            delivery.step("ACTION_FAILED", "Failed to determine external input type for command wrapper")
            return
        except Refusal as refusal:
            delivery.step("ACTION_FAILED", refusal.text)
            return
        params = {**subscription.attributes, root: str(document["uri"])}
        self.launcher.launch(Order(user, project, params, wrapper.id, root=root))
        delivery.step("ACTION_STEP", "Container queued.")
