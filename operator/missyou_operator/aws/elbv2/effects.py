"""What changes of the load balancer and its parts mean to the app.

Source: User Guide for Application Load Balancers. Attributes, listeners and rules change without an interruption; a
request under way is answered by the target that has it.
"""

from __future__ import annotations

from missyou_operator.engine.effects import REBUILT, Effect, Effects

_ATTRIBUTES = Effect("ModifyLoadBalancerAttributes", 5)
_LISTENER = Effect("ModifyListener", 5)
_CHECKS = Effect("ModifyTargetGroup", 60, "tasks are judged by the new health check")

LOAD_BALANCER = Effects(
    Effect("CreateLoadBalancer", 150),
    Effect("DeleteLoadBalancer", 60, "nobody reaches the app any more"),
    fields={
        "deletion_protection": _ATTRIBUTES,
        "drop_invalid_headers": Effect("ModifyLoadBalancerAttributes", 5, "headers with invalid names are left out"),
        "attributes": _ATTRIBUTES,
        "addresses": Effect("SetIpAddressType", 60),
        "subnet_ids": Effect("SetSubnets", 120),
        "security_group_ids": Effect("SetSecurityGroups", 5),
    },
    replace=Effect(
        "DeleteLoadBalancer, CreateLoadBalancer",
        240,
        "nobody reaches the app for about 5 minutes, until the new load balancer serves and its name is known",
        restarts=True,
    ),
)
TARGET_GROUP = Effects(
    Effect("CreateTargetGroup"),
    Effect("DeleteTargetGroup"),
    update=_CHECKS,
    fields={"attributes": Effect("ModifyTargetGroupAttributes", 5)},
).replaced_with(REBUILT)
LISTENER = Effects(
    Effect("CreateListener", 5),
    Effect("DeleteListener", 5, "its port answers no more"),
    update=_LISTENER,
    fields={
        "target_group_arn": Effect("ModifyListener", 5, "new requests go to other tasks; none is lost"),
        "certificate_arn": Effect("ModifyListener", 5, "new connections get the other certificate"),
        "tls_policy": Effect("ModifyListener", 5, "clients that know only older versions of TLS are refused"),
    },
)
REDIRECT = Effects(
    Effect("ModifyListener", 5, "requests by HTTP are sent to HTTPS"),
    Effect("ModifyListener", 5, "requests by HTTP are answered again"),
    update=_LISTENER,
)
