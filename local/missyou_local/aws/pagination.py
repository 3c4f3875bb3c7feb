"""Pages of operations where moto ignores the caller's limit: its whole answer is cut here.

botocore's own paginator models say which parameter limits, which carries the token and which key holds the items. A
list is made once, for its first page; what changes before its last page shows in the next list.
"""

from __future__ import annotations

import base64
import collections
import itertools
import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import botocore.session

from missyou_local.aws import backends
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
    "iam": "GetAccountAuthorizationDetails",
    "rds": (
        "DescribeDBEngineVersions DescribeOrderableDBInstanceOptions DescribeDBSubnetGroups DescribeDBParameterGroups "
        "DescribeDBInstances"
    ),
    "application-autoscaling": "DescribeScalableTargets DescribeScalingPolicies",
    "resourcegroupstaggingapi": "GetResources",
}
_OPERATIONS = {f"{service}:{name}" for service, names in _IGNORED_BY_MOTO.items() for name in names.split()}
_DEFAULT_SIZE = {
    "cloudwatch:DescribeAlarms": 50,
    "elbv2:DescribeLoadBalancers": 400,
    "elbv2:DescribeTargetGroups": 400,
    "ecs:ListClusters": 100,
    "ecs:ListServices": 10,
    "ecs:ListTasks": 100,
    "ecs:ListTaskDefinitions": 100,
    "ecr:DescribeRepositories": 100,
    "iam:GetAccountAuthorizationDetails": 100,
    "rds:DescribeDBInstances": 100,
    "rds:DescribeDBParameterGroups": 100,
    "rds:DescribeDBSubnetGroups": 100,
    "rds:DescribeOrderableDBInstanceOptions": 100,
    "rds:DescribeDBEngineVersions": 100,
    "application-autoscaling:DescribeScalableTargets": 50,
    "application-autoscaling:DescribeScalingPolicies": 10,
    "resourcegroupstaggingapi:GetResources": 50,
}
"""Page sizes that AWS has when the caller names none, where a stack or two can exceed them, or moto has others."""
_IN_PAGES_OF_MOTO = {
    "application-autoscaling:DescribeScalableTargets",
    "application-autoscaling:DescribeScalingPolicies",
    "elbv2:DescribeLoadBalancers",
    "elbv2:DescribeRules",
    "rds:DescribeDBInstances",
    "rds:DescribeDBParameterGroups",
}
"""What moto cuts into pages of its own unless it is asked for more."""


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
    number, start = _place(call, given.pop(token_key, None))
    if f"{call.service}:{call.operation}" in _IN_PAGES_OF_MOTO:
        given[limit_key] = 1_000_000
    key = (number, call.account, call.region, call.operation, json.dumps(given, sort_keys=True, default=str))
    result = _lists.get(key)
    if result is None:
        send = call.send
        call.params = given
        call.send = lambda operation, params: send(operation, given if params is None else params)
        result = handler(call)
        result.pop(next_key, None)
    items: list[Any] = result.get(items_key) or []
    end = len(items) if size is None else start + int(size)
    if end >= len(items):
        _lists.pop(key, None)
        return {**result, **_more(call, more=False), items_key: items[start:]}
    _lists[key] = result
    if len(_lists) > _MOST:
        _lists.popitem(last=False)
    next_page = base64.b64encode(f"page:{number}:{end}".encode()).decode()
    return {**result, **_more(call, more=True), items_key: items[start:end], next_key: next_page}


def _more(call: Call, *, more: bool) -> Result:
    """Return the member by which IAM says whether there are more pages."""
    return {"IsTruncated": more} if call.service == "iam" else {}


_MOST = 64
_numbers = itertools.count(1)
_lists: collections.OrderedDict[tuple[Any, ...], Result] = collections.OrderedDict()
"""The lists of which not every page has been asked for. One that is missing is made again."""
backends.on_reset(_lists.clear)


def _place(call: Call, token: str | None) -> tuple[int, int]:
    """Return the number of a list, and where in it a page begins."""
    if not token:
        return next(_numbers), 0
    try:
        number, start = base64.b64decode(token).decode().removeprefix("page:").split(":")
        return int(number), int(start)
    except ValueError:
        code = {"ec2": "InvalidNextToken", "ecs": "InvalidParameterException", "ecr": "InvalidParameterException"}
        raise AwsError(code.get(call.service, "InvalidParameterValue"), "Invalid pagination token.") from None


@lru_cache
def _keys(service: str, operation: str) -> tuple[str, str, str, str]:
    """Return the names of the list in the result, the limit parameter, the token parameter, the token in the result."""
    model = botocore.session.get_session().get_paginator_model(service).get_paginator(operation)
    keys = model["result_key"] if isinstance(model["result_key"], list) else [model["result_key"]]
    # Of IAM's details, roles are all that there can be many of here.
    items = "RoleDetailList" if "RoleDetailList" in keys else keys[0]
    return items, model["limit_key"], model["input_token"], model["output_token"]
