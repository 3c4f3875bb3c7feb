"""Pages of operations where moto ignores the caller's limit: its whole answer is cut here.

botocore's own paginator models say which parameter limits, which carries the token and which key holds the items.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import botocore.session

from missyou_local.aws.call import Call, Result
from missyou_local.aws.errors import AwsError

_IGNORED_BY_MOTO = {
    "ec2": (
        "DescribeVpcs DescribeSubnets DescribeSecurityGroups DescribeRouteTables DescribeSecurityGroupRules "
        "DescribeTags DescribeInternetGateways DescribeNatGateways DescribeNetworkInterfaces"
    ),
    "elbv2": "DescribeLoadBalancers DescribeTargetGroups DescribeListeners DescribeRules",
    "ecr": "DescribeImages DescribeRepositories ListImages",
    "ecs": "ListTaskDefinitions ListServices ListTasks ListClusters",
    "cloudwatch": "DescribeAlarms",
    "rds": (
        "DescribeDBEngineVersions DescribeOrderableDBInstanceOptions DescribeDBSubnetGroups DescribeDBParameterGroups"
    ),
    "application-autoscaling": "DescribeScalableTargets DescribeScalingPolicies",
}
_OPERATIONS = {f"{service}:{name}" for service, names in _IGNORED_BY_MOTO.items() for name in names.split()}
_DEFAULT_SIZE = {
    "cloudwatch:DescribeAlarms": 50,
    "ecs:ListServices": 10,
    "ecs:ListTasks": 100,
    "ecs:ListTaskDefinitions": 100,
    "ecr:DescribeRepositories": 100,
    "rds:DescribeOrderableDBInstanceOptions": 100,
    "rds:DescribeDBEngineVersions": 100,
    "application-autoscaling:DescribeScalableTargets": 50,
    "application-autoscaling:DescribeScalingPolicies": 10,
}
"""Page sizes that AWS has when the caller names none, where a stack or two can exceed them."""


def paginates(name: str, body: bytes) -> bool:
    """Return whether the answer to this request has to be cut into pages here."""
    if name not in _OPERATIONS:
        return False
    _, limit, token, _ = _keys(*name.split(":"))
    return name in _DEFAULT_SIZE or limit.encode() in body or token.encode() in body


def page_of(call: Call, handler: Callable[[Call], Result]) -> Result:
    """Return the page that the call asks for, out of what `handler` answers without limit and token."""
    items_key, limit_key, token_key, next_key = _keys(call.service, call.operation)
    given = dict(call.params)
    size = given.pop(limit_key, None) or _DEFAULT_SIZE.get(f"{call.service}:{call.operation}")
    start = _offset(call, given.pop(token_key, None))
    send = call.send
    call.params = given
    call.send = lambda operation, params: send(operation, given if params is None else params)
    result = handler(call)
    items: list[Any] = result.get(items_key) or []
    end = len(items) if size is None else start + int(size)
    result[items_key] = items[start:end]
    result.pop(next_key, None)
    if end < len(items):
        result[next_key] = base64.b64encode(f"page:{end}".encode()).decode()
    return result


def _offset(call: Call, token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.b64decode(token).decode().removeprefix("page:"))
    except ValueError:
        code = {"ec2": "InvalidNextToken", "ecs": "InvalidParameterException", "ecr": "InvalidParameterException"}
        raise AwsError(code.get(call.service, "InvalidParameterValue"), "Invalid pagination token.") from None


@lru_cache
def _keys(service: str, operation: str) -> tuple[str, str, str, str]:
    """Return the names of the list in the result, the limit parameter, the token parameter, the token in the result."""
    model = botocore.session.get_session().get_paginator_model(service).get_paginator(operation)
    items = model["result_key"][0] if isinstance(model["result_key"], list) else model["result_key"]
    return items, model["limit_key"], model["input_token"], model["output_token"]
