"""The OpenAPI 3.1 document, generated from the routes and their models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from missyou_backend.fields import Id, IdempotencyKey
from missyou_backend.handlers import ROUTES
from missyou_backend.models import ProblemDetails
from missyou_backend.problems import (
    CONTENT_TYPE,
    INTERNAL,
    INVALID_BODY,
    INVALID_QUERY,
    MALFORMED,
    NOT_FOUND,
    NOT_JSON,
    TOO_LARGE,
    TOO_MANY,
    UNAUTHORIZED,
    UNAVAILABLE,
    Kind,
)
from missyou_backend.routes import Door, Response, Route

_TEMPLATE = "#/components/schemas/{model}"
_REQUEST_ID: Mapping[str, Any] = {
    "X-Request-Id": {"description": "The request's id in the log.", "schema": {"type": "string"}}
}

_BEARER = "bearer"
_SCHEME: Mapping[str, Any] = {
    "type": "http",
    "scheme": "bearer",
    "description": (
        "The token that POST /v1/users answered or, if the service has a Firebase key, a Firebase ID token of an "
        "account that has signed up."
    ),
}
#: Who may use a route, as its `security`. An empty object: no token is needed.
_SECURITY: Mapping[Door, list[dict[str, list[str]]]] = {
    Door.OPEN: [],
    Door.SIGN_UP: [{}, {_BEARER: []}],
    Door.USER: [{_BEARER: []}],
    Door.OWNER: [{_BEARER: []}],
}


@cache
def document() -> Mapping[str, Any]:
    """Return the document."""
    schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Miss You",
            "version": "1.0.0",
            "description": "Two people who miss each other: one presses a button, and the other's phone shows it.",
        },
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {_BEARER: _SCHEME}},
    }


def _schemas() -> dict[str, Any]:
    requests = [(route.body, "validation") for route in ROUTES if route.body]
    responses = [(response.model, "serialization") for route in ROUTES for response in route.responses.values()]
    named: list[Any] = [*requests, *((model, mode) for model, mode in responses if model)]
    _, schema = models_json_schema([*named, (ProblemDetails, "serialization")], ref_template=_TEMPLATE)
    return dict(schema["$defs"])


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "security": _SECURITY[route.door],
        "parameters": [*_path_parameters(route.path), *_query_parameters(route.query), *_headers(route)],
        "responses": {
            **{str(status): _success(response) for status, response in route.responses.items()},
            **_problems(_possible(route)),
        },
    }
    if route.body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(route.body)}}}
    return operation


def _possible(route: Route) -> Iterable[Kind]:
    yield from route.problems
    if route.door is not Door.OPEN:
        yield UNAUTHORIZED
    if route.door is Door.OWNER:
        yield NOT_FOUND
    if route.body:
        yield from (MALFORMED, NOT_JSON, TOO_LARGE, INVALID_BODY)
    # A route without query parameters rejects any that is sent.
    yield from (INVALID_QUERY, INTERNAL, UNAVAILABLE)


def _problems(kinds: Iterable[Kind]) -> dict[str, Any]:
    titles: dict[int, list[str]] = {}
    for kind in dict.fromkeys(kinds):
        titles.setdefault(kind.status, []).append(f"{kind.title} ({kind.type}).")
    return {str(status): _problem(status, " ".join(texts)) for status, texts in sorted(titles.items())}


def _problem(status: int, description: str) -> dict[str, Any]:
    headers = dict(_REQUEST_ID)
    if status == UNAUTHORIZED.status:
        headers["WWW-Authenticate"] = {"description": "RFC 6750.", "required": True, "schema": {"type": "string"}}
    if status in {UNAVAILABLE.status, TOO_MANY.status}:
        headers["Retry-After"] = {"description": "Seconds.", "required": True, "schema": {"type": "integer"}}
    return {
        "description": description,
        "headers": headers,
        "content": {CONTENT_TYPE: {"schema": _ref(ProblemDetails)}},
    }


def _success(response: Response) -> dict[str, Any]:
    headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in response.headers.items()}
    content = {"application/json": {"schema": _ref(response.model)}} if response.model else None
    documented = {"description": response.description, "headers": {**_REQUEST_ID, **headers}}
    return {**documented, "content": content} if content else documented


def _path_parameters(path: str) -> list[dict[str, Any]]:
    schema = TypeAdapter(Id).json_schema()
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in re.findall(r"\{(\w+)\}", path)]


def _query_parameters(model: type[BaseModel] | None) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema(by_alias=True)
    required = {name: {"required": True} for name in schema.get("required", [])}
    return [
        {"name": name, "in": "query", "schema": _without_null(each), **required.get(name, {})}
        for name, each in schema["properties"].items()
    ]


def _without_null(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema without null: a parameter may be left out, but is never null."""
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    return options[0] if options else {key: value for key, value in schema.items() if key != "title"}


def _headers(route: Route) -> list[dict[str, Any]]:
    if not route.takes_idempotency_key:
        return []
    return [{"name": "Idempotency-Key", "in": "header", "schema": TypeAdapter(IdempotencyKey).json_schema()}]


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(model=model.__name__)}
