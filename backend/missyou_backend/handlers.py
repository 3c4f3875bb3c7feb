"""Every route: those of the service itself here, the others beside what they do."""

from __future__ import annotations

from missyou_backend.handlers_notifications import ROUTES as OF_NOTIFICATIONS
from missyou_backend.handlers_users import ROUTES as OF_USERS
from missyou_backend.models import About, Status
from missyou_backend.routes import Answer, Backend, Call, Door, Response, Routes

ROUTES = Routes()


@ROUTES.declare("get", "/", {200: Response("Its name and the path of its OpenAPI document.", About)}, door=Door.OPEN)
def about(_backend: Backend, _call: Call) -> Answer:
    """Describe the service."""
    return Answer(200, About(name="Miss You", openapi="/openapi.json"))


@ROUTES.declare("get", "/health", {200: Response("Requests can be served.", Status)}, door=Door.OPEN)
def health(backend: Backend, _call: Call) -> Answer:
    """Check whether requests can be served."""
    backend.health.check()
    return Answer(200, Status(status="ok"))


@ROUTES.declare("get", "/live", {200: Response("The process answers.", Status)}, door=Door.OPEN)
def live(_backend: Backend, _call: Call) -> Answer:
    """Check whether the process answers."""
    return Answer(200, Status(status="ok"))


ROUTES += [*OF_USERS, *OF_NOTIFICATIONS]
