"""CloudTrail's events of calls: "AWS API Call via CloudTrail", where a trail logs management events.

Sources: EventBridge User Guide, "AWS service events delivered via AWS CloudTrail" (a trail is needed); CloudTrail User
Guide, "CloudTrail record contents", "CloudTrail userIdentity element" and "About global service events".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from missyou_local.aws import backends, wire
from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.ledger import mutates
from missyou_local.aws.services.events import bus
from missyou_local.aws.services.sts import session_of
from missyou_local.aws.timing import Timing

#: boto3's name -> the name in the event source, where the two differ.
_SOURCES = {"elbv2": "elasticloadbalancing", "cloudwatch": "monitoring", "resourcegroupstaggingapi": "tagging"}
#: Their calls are logged in one region.
_GLOBAL = {"iam": "us-east-1", "route53": "us-east-1"}
#: What is logged as data, if at all: not in the trails of management events.
_DATA = ("sqs:", "s3:PutObject", "s3:DeleteObject", "cloudwatch:PutMetricData", "logs:PutLogEvents", "sns:Publish")
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_PASSWORDS = re.compile(r".*password|secretstring|secretbinary", re.IGNORECASE)


def record(request: wire.Request, response: wire.Response, now: float, timing: Timing) -> None:
    """Send the event of a call that may change something, if somebody listens and a trail logs it."""
    account, region = backends.account_of(request.access_key), _GLOBAL.get(request.service, request.region)
    if not mutates(request.name) or request.name.startswith(_DATA) or not bus.has_rules(account, region):
        return
    if not _logs(account, region):
        return
    code = wire.error_code(response)
    parameters = wire.decode_parameters(request)
    answer = _answer(request, response) if code is None else None
    detail = {
        "eventVersion": "1.11",
        "userIdentity": _identity(account, request.access_key),
        "eventTime": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{_SOURCES.get(request.service, request.service)}.amazonaws.com",
        "eventName": request.operation,
        "awsRegion": region,
        "sourceIPAddress": "203.0.113.64",
        "userAgent": f"[{request.environ.get('HTTP_USER_AGENT', '')}]",
        **({"errorCode": code} if code else {}),
        "requestParameters": _shown(parameters, ec2=request.service == "ec2"),
        "responseElements": _shown(answer, ec2=request.service == "ec2") if answer else None,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
        "recipientAccountId": account,
    }
    event = {"source": f"aws.{request.service}", "detail-type": "AWS API Call via CloudTrail", "detail": detail}
    bus.send(account, region, event, now, now + timing.cloudtrail)


def _answer(request: wire.Request, response: wire.Response) -> Mapping[str, Any] | None:
    try:
        return wire.decode_result(request, response)
    except (AwsError, ValueError, KeyError):
        return None


def _logs(account: str, region: str) -> bool:
    """Return whether a trail logs the calls of a region."""
    if account not in backends.accounts_of("cloudtrail"):
        return False
    import moto.backends  # noqa: PLC0415 - as in `backends`

    regions: Any = moto.backends.get_backend("cloudtrail")[account]
    return any(
        trail.status.is_logging and (trail.region_name == region or trail.is_multi_region) and _logs_changes(trail)
        for backend in regions.values()
        for trail in backend.trails.values()
    )


def _logs_changes(trail: Any) -> bool:
    return not (trail.event_selectors or trail.advanced_event_selectors) or any(
        each.get("IncludeManagementEvents", True) and each.get("ReadWriteType", "All") != "ReadOnly"
        for each in trail.event_selectors
    )


@handles("cloudtrail:GetEventSelectors")
def get_event_selectors(call: Call) -> Result:
    """Return what a trail without selectors has. Source: CloudTrail API reference, PutEventSelectors."""
    answer = call.forward()
    if answer.get("EventSelectors") or answer.get("AdvancedEventSelectors"):
        return answer
    default = {"ReadWriteType": "All", "IncludeManagementEvents": True, "DataResources": []}
    return {"TrailARN": answer["TrailARN"], "EventSelectors": [default]}


def _identity(account: str, access_key: str) -> dict[str, Any]:
    """Return who made a call. A key that is no session's is that of a federated user who is called like it."""
    if (session := session_of(access_key)) is None:
        return {
            "type": "FederatedUser",
            "principalId": f"{account}:{access_key}",
            "arn": caller_arn(account, access_key),
            "accountId": account,
            "accessKeyId": access_key,
        }
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "arn": session["role"],
            "accountId": account,
            "userName": session["role"].rpartition("/")[2],
        }
    }
    if session["source"]:
        context["sourceIdentity"] = session["source"]
    return {
        "type": "AssumedRole",
        "principalId": f"AROAEXAMPLE:{session['name']}",
        "arn": caller_arn(account, access_key),
        "accountId": account,
        "accessKeyId": access_key,
        "sessionContext": context,
    }


def caller_arn(account: str, access_key: str) -> str:
    """Return the ARN of whoever has a key, as STS and CloudTrail show it."""
    if (session := session_of(access_key)) is None:
        return f"arn:aws:sts::{account}:federated-user/{access_key}"
    return f"arn:aws:sts::{account}:assumed-role/{session['role'].rpartition('/')[2]}/{session['name']}"


@handles("sts:GetCallerIdentity")
def get_caller_identity(call: Call) -> Result:
    """Return the caller as CloudTrail shows it: moto calls everybody alike. Users that exist keep their own ARN."""
    answer = call.forward()
    if answer["Arn"].endswith(":user/moto") or session_of(call.caller) is not None:
        return {**answer, "Arn": caller_arn(call.account, call.caller)}
    return answer


def _shown(value: Any, *, ec2: bool) -> Any:
    """Return values as CloudTrail writes them: names in camelCase, no passwords, EC2's lists as sets."""
    if isinstance(value, Mapping):
        return dict(_member(key, each, ec2=ec2) for key, each in value.items() if key != "ResponseMetadata")
    if isinstance(value, (list, tuple)):
        return [_shown(each, ec2=ec2) for each in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _member(key: str, value: Any, *, ec2: bool) -> tuple[str, Any]:
    name = key[:1].lower() + key[1:]
    if _PASSWORDS.fullmatch(key):
        return name, _HIDDEN
    if ec2 and isinstance(value, (list, tuple)):
        single = name.removesuffix("s")
        items = [_shown(each, ec2=True) if isinstance(each, Mapping) else {single: each} for each in value]
        kept = name.endswith("Set") or (value and isinstance(value[0], Mapping))
        return name if kept else f"{single}Set", {"items": items}
    return name, _shown(value, ec2=ec2)
