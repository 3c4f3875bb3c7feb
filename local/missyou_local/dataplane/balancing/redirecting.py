"""Where a redirect leads."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from missyou_local.dataplane.balancing.values import Protocol, Redirect

_KEYWORD = re.compile(r"#\{(protocol|host|port|path|query)\}")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asked for. `host` without port, `port` the listener's in AWS, `path` with its leading slash."""

    protocol: Protocol
    host: str
    port: int
    path: str
    query: str


def location(redirect: Redirect, asked: Asked, local_port: Callable[[int], int | None]) -> str:
    """Return the URL that a client is sent to, with its port even where that is the default one, as an ALB does.

    `local_port` gives the port of this machine for one of the load balancer's: it replaces AWS's, so that a client
    here can follow, unless the redirect leads to another host.
    Source: API reference of Elastic Load Balancing, RedirectActionConfig ("the leading / is removed" from #{path}).
    """
    values = {
        "protocol": asked.protocol,
        "host": asked.host,
        "port": str(asked.port),
        "path": asked.path.removeprefix("/"),
        "query": asked.query,
    }

    def fill(template: str) -> str:
        return _KEYWORD.sub(lambda match: values[match[1]], template)

    host, port, query = fill(redirect.host), fill(redirect.port), fill(redirect.query)
    if host.lower() == asked.host.lower():
        port = str(local_port(int(port)) or port)
    return f"{fill(redirect.protocol).lower()}://{host}:{port}{fill(redirect.path)}{'?' if query else ''}{query}"
