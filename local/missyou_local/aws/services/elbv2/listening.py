"""The ports of this machine on which load balancers listen when a data plane runs.

A load balancer's DNS name is then the address at which its listener of port 80 answers, the port included: its own name
would be found in no DNS, and port 80 belongs to root.
"""

from __future__ import annotations

from missyou_local.aws.call import Call, Regional
from missyou_local.dataplane.postgres import HOST, free_port

_ports: Regional[dict[tuple[str, int], int]] = Regional(dict)
"""(load balancer, its port) -> port of this machine."""


def address(call: Call, balancer: str) -> str | None:
    """Return `host:port` for a load balancer (an ARN), None where there is no data plane."""
    return f"{HOST}:{local_port(call, balancer, 80)}" if call.plane else None


def local_port(call: Call, balancer: str, port: int) -> int:
    """Return the port of this machine that stands for a port of a load balancer."""
    ports = _ports.of(call)
    if (balancer, port) not in ports:
        ports[balancer, port] = free_port()
    return ports[balancer, port]
