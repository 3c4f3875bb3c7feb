"""Which headers an ALB adds, changes and leaves out between client and target.

Sources: user guide of Application Load Balancers, "HTTP headers and Application Load Balancers" (the mode "append") and
"Request tracing for your Application Load Balancer"; RFC 9110, section 7.6.1, for those that end at each hop.
"""

from __future__ import annotations

import re
import secrets
import time

from multidict import CIMultiDict, CIMultiDictProxy

from missyou_local.dataplane.balancing.values import Listener

TRACE_ID = "X-Amzn-Trace-Id"
_HOP_BY_HOP = (
    "Connection",
    "Keep-Alive",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "HTTP2-Settings",
)
_SELF = re.compile(r"Self=[^;]*;?", re.IGNORECASE)
_ROOT = re.compile(r"(?:^|;)\s*Root=", re.IGNORECASE)


def end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Return headers without those that concern one connection only."""
    named = [name.strip() for value in headers.getall("Connection", ()) for name in value.split(",")]
    kept = headers.copy()
    for name in (*_HOP_BY_HOP, *named):
        kept.popall(name, None)
    return kept


def to_target(headers: CIMultiDictProxy[str], client: str, listener: Listener) -> CIMultiDict[str]:
    """Return the headers that a target gets from a request of the address `client`.

    Host stays as the client sent it, its port included: the client reached a local port that stands for the listener's.
    The load balancer itself answers "Expect: 100-continue".
    """
    sent = end_to_end(headers)
    sent.popall("Expect", None)
    sent["X-Forwarded-For"] = ", ".join((*sent.popall("X-Forwarded-For", ()), client))
    sent["X-Forwarded-Proto"] = listener.protocol.lower()
    sent["X-Forwarded-Port"] = str(listener.port)
    sent[TRACE_ID] = trace_id(sent.get(TRACE_ID, ""))
    return sent


def trace_id(received: str) -> str:
    """Return the trace that a target gets: a new root, or the client's trace with this hop as its Self field."""
    hop = f"1-{int(time.time()):08x}-{secrets.token_hex(12)}"
    rest = _SELF.sub("", received).strip("; ")
    field = "Self" if _ROOT.search(rest) else "Root"
    return ";".join(part for part in (f"{field}={hop}", rest) if part)
