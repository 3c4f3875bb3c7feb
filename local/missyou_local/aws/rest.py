"""REST requests of Route 53 and S3: the operation that a method and path stand for, and its parameters.

The other services put the operation's name into the request; these two have it in method, path and query, which
botocore's models describe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import botocore.session
from werkzeug.datastructures import Headers, MultiDict

PROTOCOLS = {"route53": "rest-xml", "s3": "rest-xml"}
"""The services that are understood -> their protocol."""

_LABEL = re.compile(r"\\{(\w+)(\\\+)?\\}")


@dataclass(frozen=True, slots=True)
class _Route:
    """A request that asks for an operation: `query` are the items that it must have, `headers` those (WSGI names)."""

    operation: str
    method: str
    path: re.Pattern[str]
    query: frozenset[tuple[str, str]]
    headers: frozenset[str]


@lru_cache
def _routes(service: str) -> tuple[_Route, ...]:
    """Return the routes of a service, the more particular ones first."""
    model = botocore.session.get_session().get_service_model(service)
    routes = []
    for name in model.operation_names:
        # an older name of a request that another operation makes (PutBucketLifecycle)
        if model.operation_model(name).deprecated:
            continue
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        pattern = _LABEL.sub(
            lambda label: f"(?P<{label[1]}>{'.+' if label[2] else '[^/]+'})", re.escape(path.rstrip("/"))
        )
        items = frozenset(parse_qsl(query, keep_blank_values=True)) - {("x-id", name)}
        # a copy differs from an upload in a header alone
        headers = frozenset({"HTTP_X_AMZ_COPY_SOURCE"} if "Copy" in name and service == "s3" else ())
        routes.append(_Route(name, http["method"], re.compile(pattern + "/?"), items, headers))
    return tuple(sorted(routes, key=lambda route: (-len(route.query), -len(route.headers), -len(route.path.pattern))))


def identify(service: str, environ: Mapping[str, Any]) -> tuple[str, str]:
    """Return operation and protocol of a request; `<METHOD> <path>` and "rest" where the service is not understood."""
    route = _find(service, environ) if service in PROTOCOLS else None
    if route is None:
        return f"{environ['REQUEST_METHOD']} {environ.get('PATH_INFO', '/')}", "rest"
    return route.operation, PROTOCOLS[service]


def _find(service: str, environ: Mapping[str, Any]) -> _Route | None:
    query = set(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    for route in _routes(service):
        if (
            route.method == environ["REQUEST_METHOD"]
            and route.path.fullmatch(environ.get("PATH_INFO", "/"))
            and route.query <= query
            and all(header in environ for header in route.headers)
        ):
            return route
    return None


def parameters(service: str, environ: Mapping[str, Any], body: bytes, model: Any) -> dict[str, Any]:
    """Return the parameters as boto3's caller gave them; `model` is moto's model of the operation."""
    from moto.core.parse import PROTOCOL_PARSERS  # noqa: PLC0415  (moto is heavy: only a server needs it)

    route = _find(service, environ)
    match = route.path.fullmatch(environ.get("PATH_INFO", "/")) if route is not None else None
    headers = {key[5:].replace("_", "-"): value for key, value in environ.items() if key.startswith("HTTP_")}
    parsed: dict[str, Any] = PROTOCOL_PARSERS[PROTOCOLS[service]](model).parse(
        {
            "body": body,
            "headers": Headers(headers),
            "method": environ["REQUEST_METHOD"],
            "url_params": match.groupdict() if match is not None else {},
            "url_path": environ.get("PATH_INFO", "/"),
            "values": MultiDict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)),
        }
    )
    return parsed
