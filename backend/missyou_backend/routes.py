"""Routes: declared at their handlers, dispatched by `dispatch.py`, documented by `openapi.py`."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from missyou_backend.access import Access
from missyou_backend.database import Database
from missyou_backend.health import Health
from missyou_backend.limits import Limits
from missyou_backend.problems import KEY_REUSED, Kind
from missyou_backend.sending import Sending
from missyou_backend.tokens import Caller


@dataclass(frozen=True, slots=True)
class Backend:
    """The services that handlers use."""

    database: Database
    sending: Sending
    health: Health
    access: Access
    limits: Limits


class Door(enum.Enum):
    """Who may use a route."""

    OPEN = enum.auto()
    """Anybody."""
    SIGN_UP = enum.auto()
    """Anybody, with or without a Firebase ID token."""
    USER = enum.auto()
    """Any user. The handler sees to it that they reach only what is theirs."""
    OWNER = enum.auto()
    """The user whose id is `{id}` in the path. To others, the id does not exist."""


@dataclass(frozen=True, slots=True)
class Call:
    """A validated request. `body` and `query` are instances of the route's models."""

    path: Mapping[str, int]
    body: Any = None
    query: Any = None
    idempotency_key: str | None = None
    caller: Caller | None = None
    """The user, on routes for users."""
    firebase_uid: str | None = None
    """The Firebase account that signs up."""
    address: str = ""
    """The client's address."""

    @property
    def user(self) -> Caller:
        """Return the user of a route for users."""
        if self.caller is None:
            raise TypeError("this route is not for users")
        return self.caller


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful response of a handler."""

    status: int
    body: BaseModel | Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Backend, Call], Answer]


@dataclass(frozen=True, slots=True)
class Response:
    """One documented response of a route. `headers`: name → description."""

    description: str
    model: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A route. Parameters of `path`, in braces, are ids. `responses`: status → response."""

    method: Literal["get", "post", "put", "delete"]
    path: str
    handle: Handler
    responses: Mapping[int, Response]
    problems: tuple[Kind, ...]
    body: type[BaseModel] | None
    query: type[BaseModel] | None
    door: Door

    @property
    def name(self) -> str:
        """Return the handler's name in camelCase: the operation's id in the OpenAPI document."""
        return to_camel(self.handle.__name__)

    @property
    def takes_idempotency_key(self) -> bool:
        """Return whether the Idempotency-Key header is read: on routes that can answer `KEY_REUSED`."""
        return KEY_REUSED in self.problems

    @property
    def summary(self) -> str:
        """Return the first line of the handler's docstring, without its full stop."""
        return (self.handle.__doc__ or "").partition("\n")[0].removesuffix(".")


class Routes(list[Route]):
    """Routes in the order of their declaration."""

    def declare(  # noqa: PLR0913 - what there is to say about a route
        self,
        method: Literal["get", "post", "put", "delete"],
        path: str,
        responses: Mapping[int, Response],
        *problems: Kind,
        body: type[BaseModel] | None = None,
        query: type[BaseModel] | None = None,
        door: Door = Door.OWNER,
    ) -> Callable[[Handler], Handler]:
        """Declare the decorated handler's route. `problems`: those beyond the ones that every such route can answer.

        A route that says nothing about its door is its owner's.
        """

        def add(handle: Handler) -> Handler:
            self.append(Route(method, path, handle, responses, problems, body, query, door))
            return handle

        return add
