"""What a route is: the one declaration that requests are dispatched by and that `openapi.py` describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

from missyou_backend.database import Database
from missyou_backend.health import Health
from missyou_backend.problems import Kind
from missyou_backend.sending import Sending


@dataclass(frozen=True, slots=True)
class Backend:
    """What handlers work with."""

    database: Database
    sending: Sending
    health: Health


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has been validated. `body` and `query` are instances of what the route says."""

    path: Mapping[str, int]
    body: Any = None
    query: Any = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful response. `body` None: none."""

    status: int
    body: BaseModel | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Promise:
    """What a route answers with one status. `headers`: name -> what it says."""

    description: str
    model: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A route. Parameters of `path`, in braces, are ids."""

    method: Literal["get", "post", "delete"]
    path: str
    name: str
    summary: str
    handle: Callable[[Backend, Call], Answer]
    answers: Mapping[int, Promise]
    problems: tuple[Kind, ...] = ()
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    takes_idempotency_key: bool = False
