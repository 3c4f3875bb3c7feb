"""How often AWS is asked: for whom a request is made, and how urgent it is."""

from __future__ import annotations

from contextvars import ContextVar

#: Whether a request is made for a change of a person's (spec, deletion, `missyou.app/reconcile`): it goes before
#: background reading. Set by whoever starts a pass; the threads that work for it take it along.
urgent: ContextVar[bool] = ContextVar("urgent", default=False)
#: The app that a request is made for, as `namespace/name`: no app may keep the others from their turn.
app: ContextVar[str] = ContextVar("app", default="")
