"""Logs: text or JSON lines, each with the app and the pass that it is about, and never a secret.

The fields of a pass are a context variable. A thread that works for a pass takes its context along, so that also what
the engine, boto3 or an AWS class logs can be found by the pass.
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Mapping
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from missyou_operator.engine.values import redact

_TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
#: What kopf adds to its records for itself.
_OF_KOPF = ("k8s_ref", "k8s_skip", "settings")
_FIELDS: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar("fields")


def about(**fields: Any) -> None:
    """Set the fields of all that is logged from here on in this context: a task, and the threads that work for it."""
    _FIELDS.set(fields)


class Text(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with stars where it would quote a secret, also in a traceback."""
        return redact(super().format(record))


class Json(JsonFormatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """As `Text.format`."""
        return redact(super().format(record))


def handler(*, json: bool) -> logging.StreamHandler[Any]:
    """Return a handler that writes to standard error."""
    made = logging.StreamHandler()
    made.addFilter(_add_fields)
    made.setFormatter(_json() if json else Text(_TEXT))
    return made


def configure(*, json: bool, verbose: bool) -> None:
    """Set up logging for the process. `verbose`: a line for each pass, not only for those that did something."""
    logging.basicConfig(level=logging.INFO, handlers=[handler(json=json)])
    logging.getLogger("missyou_operator").setLevel(logging.DEBUG if verbose else logging.INFO)
    # kopf reports each event that it has handed on.
    logging.getLogger("kopf.objects").setLevel(logging.INFO if verbose else logging.WARNING)
    for name in ("running", "orchestration"):
        # kopf logs what ends its watch, with tracebacks, and then raises it: the operator says it in one line.
        logging.getLogger(f"kopf._core.reactor.{name}").addFilter(lambda record: not record.exc_info)
    logging.getLogger("botocore").setLevel(logging.WARNING)


def _json() -> Json:
    return Json(
        "%(levelname)s %(name)s %(message)s",
        rename_fields={"levelname": "level", "name": "logger"},
        reserved_attrs=[*RESERVED_ATTRS, *_OF_KOPF],
        timestamp="time",
    )


def _add_fields(record: logging.LogRecord) -> bool:
    record.__dict__.update(_FIELDS.get({}))
    return True
