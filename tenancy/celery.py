"""The base of every Celery task: it runs in an explicit scope or not at all."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from celery import current_app, signals
from celery.contrib.django.task import DjangoTask

from tenancy.context import NoTenantScope, Scope, control_scope, current_scope, enter
from tenancy.domain.row_security import CONTROL_ROLE
from tenancy.stamps import HEADER, make_stamp, read_stamp


class Plane(StrEnum):
    """In whose name a task runs."""

    # One tenant's: the one in whose scope the message was sent.
    TENANT = "tenant"
    # The measuring plane's.
    CONTROL = "control"


class ScopedTask(DjangoTask):  # type: ignore[type-arg]  # generic in the stubs only
    """A task of one tenant, or by `@shared_task(base=ControlTask)` of the measuring plane.

    A message must carry the stamp of such a scope; `NoTenantScope` is raised otherwise, before the task's
    own code runs. Called directly or eagerly, there is no message and the caller's scope counts.
    """

    abstract = True
    plane: Plane = Plane.TENANT

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.request.called_directly:
            return super().__call__(*args, **kwargs)
        with enter(self._scope()):
            return self.run(*args, **kwargs)

    def _scope(self) -> Scope:
        if self.request.is_eager:
            scope = control_scope(self.name) if self.plane is Plane.CONTROL else current_scope()
        else:
            scope = read_stamp(self.request.get(HEADER), task=self.name, task_id=str(self.request.id))
        if scope is None or (scope.role == CONTROL_ROLE) is not (self.plane is Plane.CONTROL):
            where = scope.label if scope else "no scope"
            raise NoTenantScope(f"{self.name} runs in the {self.plane} plane, but was sent in {where}.")
        return scope


class ControlTask(ScopedTask):
    """A task of the measuring plane."""

    abstract = True
    plane = Plane.CONTROL


@signals.before_task_publish.connect(dispatch_uid="tenancy.celery.stamp_message")
def stamp_message(sender: str, headers: dict[str, Any], **kwargs: Any) -> None:
    """Stamps a message that is about to be sent with the task's declared plane, else the active scope."""
    task = current_app.tasks.get(sender)
    control = getattr(task, "plane", None) is Plane.CONTROL
    scope = control_scope(sender) if control else current_scope()
    if scope is not None and isinstance(headers, dict) and "id" in headers:
        headers[HEADER] = make_stamp(scope, task=sender, task_id=str(headers["id"]))
