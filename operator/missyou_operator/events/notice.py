"""One event, read from a message of the queue.

Anybody may have written it: nothing of it is taken for true but that something may have happened.

Sources: EventBridge User Guide, "Events from AWS services" (the envelope) and "AWS service events delivered via AWS
CloudTrail"; CloudTrail User Guide, "CloudTrail record contents"; ECS Developer Guide, "Amazon ECS events"; ECR User
Guide, "Amazon ECR events and EventBridge"; RDS User Guide, "Amazon RDS event categories and event messages"; ACM User
Guide, "Amazon EventBridge support for ACM"; CloudWatch User Guide, "Alarm events and EventBridge".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from missyou_operator.events.who import AGENT, principal, readable

#: The service of an event -> that of our resource types: by the source of the call in CloudTrail, and of the event.
CALL_SOURCES: Mapping[str, str] = {
    "acm.amazonaws.com": "acm",
    "application-autoscaling.amazonaws.com": "autoscaling",
    "ec2.amazonaws.com": "ec2",
    "ecr.amazonaws.com": "ecr",
    "ecs.amazonaws.com": "ecs",
    "elasticloadbalancing.amazonaws.com": "elbv2",
    "iam.amazonaws.com": "iam",
    "logs.amazonaws.com": "logs",
    "monitoring.amazonaws.com": "cloudwatch",
    "rds.amazonaws.com": "rds",
    "route53.amazonaws.com": "route53",
    "s3.amazonaws.com": "s3",
    "secretsmanager.amazonaws.com": "secretsmanager",
    "sns.amazonaws.com": "sns",
    "wafv2.amazonaws.com": "wafv2",
}
SERVICE_SOURCES: Mapping[str, str] = {
    "aws.acm": "acm",
    "aws.cloudwatch": "cloudwatch",
    "aws.ecr": "ecr",
    "aws.ecs": "ecs",
    "aws.rds": "rds",
}
CALL = "AWS API Call via CloudTrail"
#: Changing calls that are made all the time and change nothing of a stack: interfaces and logs of tasks, uploads.
NOISE = (
    "BatchCheckLayerAvailability",
    "CompleteLayerUpload",
    "CreateLogStream",
    "CreateNetworkInterface",
    "CreateNetworkInterfacePermission",
    "DeleteLogStream",
    "DeleteNetworkInterface",
    "DeleteNetworkInterfacePermission",
    "InitiateLayerUpload",
    "SubmitTaskStateChange",
    "UploadLayerPart",
)
#: Keys whose values name a resource. What is under others (values of parameters, tags, variables) is not read.
_NAMING = re.compile(
    r".*(id|ids|arn|arns|name|names|identifier|identifiers)|cluster|service|services|family|taskdefinition|group"
    r"|resources?|bucket|policyname",
    re.IGNORECASE,
)
#: What has the shape of an ID that AWS gives, so that it is nobody's secret.
_ID = re.compile(r"[a-z]+-[0-9a-f]{8,17}|arn:aws[a-z-]*:[a-z0-9-]+:\S{1,512}")
#: The longest name of a resource, and the most that are read of one event.
_LONGEST, _MOST = 2048, 500


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that happened in AWS.

    `what`: the operation, or the kind of event. `service`: the prefix of the types concerned (`ec2`). `mentions`: the
    IDs, ARNs and names in it; they are not shown, since a name may be anything. `by`: who did it, "" if that is not
    known; `principal`: the same as `who.principal` writes it; `agent`: whether the caller says that it is the operator.
    """

    account: str
    region: str
    service: str
    what: str
    at: datetime
    by: str = ""
    principal: str = field(default="", repr=False)
    agent: bool = False
    mentions: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def ids(self) -> frozenset[str]:
        """Those of the mentions that have the shape of an ID or an ARN."""
        return frozenset(each for each in self.mentions if _ID.fullmatch(each))


def parse(body: str) -> Notice | None:
    """Read a message; None for what is no event of ours, and for a call that AWS refused or that only reads."""
    try:
        event = json.loads(body)
        return _notice(event) if isinstance(event, Mapping) else None
    except (ValueError, RecursionError, KeyError, TypeError):
        # Anybody's text.
        return None


def _notice(event: Mapping[str, Any]) -> Notice | None:
    detail = event["detail"]
    account, region = str(event["account"]), str(event["region"])
    if event["detail-type"] == CALL:
        service = CALL_SOURCES.get(detail["eventSource"])
        if service is None or detail["eventName"] in NOISE or detail.get("errorCode") or detail.get("readOnly") is True:
            return None
        identity = detail.get("userIdentity") or {}
        parts = [detail.get(key) for key in ("requestParameters", "responseElements", "resources")]
        return Notice(
            account,
            region,
            service,
            str(detail["eventName"])[:64],
            _time(detail["eventTime"]),
            readable(identity),
            principal(str(identity.get("arn") or "")),
            AGENT in str(detail.get("userAgent") or ""),
            _mentions(parts),
        )
    service = SERVICE_SOURCES.get(event["source"])
    if service is None:
        return None
    mentions = _mentions([{"resources": event.get("resources")}, detail])
    return Notice(account, region, service, str(event["detail-type"])[:64], _time(event["time"]), mentions=mentions)


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _mentions(parts: list[Any]) -> frozenset[str]:
    found: set[str] = set()
    for text in _names(parts, naming=False):
        if 0 < len(text) <= _LONGEST:
            found.add(text)
        if len(found) >= _MOST:
            break
    return frozenset(found)


def _names(value: Any, *, naming: bool) -> Iterator[str]:
    """Yield the texts under keys that name a resource. Lists, and EC2's `items`, belong to the key above them."""
    if isinstance(value, str):
        if naming:
            yield value
    elif isinstance(value, list):
        for each in value:
            yield from _names(each, naming=naming)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            if key != "environment":
                yield from _names(each, naming=naming if key == "items" else bool(_NAMING.fullmatch(key)))
