"""The client's address and scheme, behind a load balancer.

The ALB appends the caller's address to X-Forwarded-For and sets X-Forwarded-Proto (Elastic Load Balancing User Guide,
"HTTP headers and Application Load Balancers"). Only the last entry is the ALB's; the client may have made up the rest.
We trust it if the peer's address is inside the VPC (RFC 1918), or is loopback (the local cloud).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from missyou_backend.request_log import Application, Environ

_OURS = [ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "::1/128")]


class Forwarded:
    """WSGI middleware that sets the client's address and scheme."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve a request."""
        if _is_ours(environ.get("REMOTE_ADDR", "")):
            client = _last(environ.get("HTTP_X_FORWARDED_FOR", ""))
            if _is_address(client):
                environ["REMOTE_ADDR"] = client
            scheme = _last(environ.get("HTTP_X_FORWARDED_PROTO", ""))
            if scheme in {"http", "https"}:
                environ["wsgi.url_scheme"] = scheme
        return self._application(environ, start_response)


def _last(header: str) -> str:
    return header.rsplit(",", 1)[-1].strip()


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_ours(peer: str) -> bool:
    return _is_address(peer) and any(ip_address(peer) in network for network in _OURS)
