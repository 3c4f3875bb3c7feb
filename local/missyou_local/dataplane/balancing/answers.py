"""The answers that a load balancer gives itself, in the form in which an ALB gives them."""

from __future__ import annotations

from aiohttp import web

from missyou_local.dataplane.balancing.values import Fixed

SERVER = "awselb/2.0"
_TITLES = {
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    405: "Not Allowed",
    408: "Request Time-out",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


def page(status: int, location: str | None = None) -> web.Response:
    """Return the small page of an error or, with the URL that it leads to, of a redirect."""
    title = f"{status} {_TITLES[status]}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n"
        f"<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )
    headers = {"Server": SERVER, "Content-Type": "text/html"}
    if location is not None:
        headers["Location"] = location
    return web.Response(status=status, reason=_TITLES[status], body=body.encode(), headers=headers)


def fixed(action: Fixed) -> web.Response:
    """Return the response of a fixed-response action."""
    headers = {"Server": SERVER, "Content-Type": f"{action.content_type}; charset=utf-8"}
    return web.Response(status=action.status, body=action.body.encode(), headers=headers)
