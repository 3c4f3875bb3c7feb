"""CloudWatch dashboards: one set for all regions of an account, with validated bodies and tags.

Sources: CloudWatch API reference, PutDashboard, DeleteDashboards, "Dashboard Body Structure and Syntax", TagResource.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from missyou_local.aws import backends
from missyou_local.aws.call import Call, Result, handles
from missyou_local.aws.errors import AwsError

_COLUMNS, _MOST_WIDGETS = 24, 500
#: Type of a widget -> the properties that it must have.
_NEEDED = {
    "alarm": {"alarms"},
    "custom": {"endpoint"},
    "explorer": {"metrics"},
    "log": {"region", "query"},
    "metric": {"region"},
    "text": {"markdown"},
}


@dataclass(slots=True)
class _Dashboard:
    arn: str
    body: str = ""
    modified: float = 0.0
    tags: dict[str, str] = field(default_factory=dict)


_dashboards: dict[str, dict[str, _Dashboard]] = {}
"""Account -> name -> dashboard."""
backends.on_reset(_dashboards.clear)


def _all(call: Call) -> dict[str, _Dashboard]:
    return _dashboards.setdefault(call.account, {})


@handles("cloudwatch:PutDashboard")
def put_dashboard(call: Call) -> Result:
    """Create a dashboard, or replace its body. Tags count only at creation."""
    name, text = call.params["DashboardName"], call.params["DashboardBody"]
    if wrong := list(_problems(text)):
        raise AwsError("InvalidParameterInput", f"The dashboard body is invalid: {'; '.join(wrong)}")
    there = _all(call).get(name)
    if there is None:
        tags = {tag["Key"]: tag["Value"] for tag in call.params.get("Tags", [])}
        there = _Dashboard(f"arn:aws:cloudwatch::{call.account}:dashboard/{name}", tags=tags)
        _all(call)[name] = there
    there.body, there.modified = text, call.now
    return {"DashboardValidationMessages": []}


@handles("cloudwatch:GetDashboard")
def get_dashboard(call: Call) -> Result:
    """Return a dashboard's body."""
    name = call.params["DashboardName"]
    found = _found(call, name)
    return {"DashboardArn": found.arn, "DashboardBody": found.body, "DashboardName": name}


@handles("cloudwatch:ListDashboards")
def list_dashboards(call: Call) -> Result:
    """List the account's dashboards, whatever the region."""
    prefix = call.params.get("DashboardNamePrefix", "")
    rows = [
        {
            "DashboardName": name,
            "DashboardArn": found.arn,
            "LastModified": datetime.fromtimestamp(found.modified, UTC),
            "Size": len(found.body),
        }
        for name, found in sorted(_all(call).items())
        if name.startswith(prefix)
    ]
    return {"DashboardEntries": rows}


@handles("cloudwatch:DeleteDashboards")
def delete_dashboards(call: Call) -> Result:
    """Delete dashboards: all of them, or none if one does not exist."""
    names = call.params["DashboardNames"]
    for name in names:
        _found(call, name)
    for name in names:
        del _all(call)[name]
    return {}


@handles("cloudwatch:ListTagsForResource")
def list_tags(call: Call) -> Result:
    """List tags. Refuse what is not there: API reference, ListTagsForResource, ResourceNotFoundException."""
    found, arn = _tagged(call), str(call.params["ResourceARN"])
    if ":alarm:" in arn and arn.partition(":alarm:")[2] not in call.moto("cloudwatch").alarms:
        raise AwsError("ResourceNotFoundException", f"Unknown resource {arn}", 404)
    return call.forward() if found is None else {"Tags": [{"Key": k, "Value": v} for k, v in found.tags.items()]}


@handles("cloudwatch:TagResource")
def tag(call: Call) -> Result:
    """Add tags."""
    found = _tagged(call)
    if found is None:
        return call.forward()
    found.tags |= {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}
    return {}


@handles("cloudwatch:UntagResource")
def untag(call: Call) -> Result:
    """Remove tags."""
    found = _tagged(call)
    if found is None:
        return call.forward()
    for key in call.params["TagKeys"]:
        found.tags.pop(key, None)
    return {}


def _tagged(call: Call) -> _Dashboard | None:
    """Return the dashboard that a call about tags names, None where it names something else."""
    kind, _, name = call.params["ResourceARN"].partition(":dashboard/")
    if not name:
        return None
    if kind != f"arn:aws:cloudwatch::{call.account}" or name not in _all(call):
        raise AwsError("ResourceNotFoundException", f"{call.params['ResourceARN']} does not exist", 404)
    return _all(call)[name]


def _found(call: Call, name: str) -> _Dashboard:
    if name not in _all(call):
        raise AwsError("ResourceNotFound", f"Dashboard {name} does not exist", 404)
    return _all(call)[name]


def _problems(text: str) -> Iterator[str]:
    try:
        body = json.loads(text)
    except ValueError:
        yield "it is no valid JSON"
        return
    widgets = body.get("widgets") if isinstance(body, dict) else None
    if not isinstance(widgets, list):
        yield 'Should have required property "widgets"'
        return
    if len(widgets) > _MOST_WIDGETS:
        yield f"Should NOT have more than {_MOST_WIDGETS} widgets"
    for number, widget in enumerate(widgets):
        yield from (f"/widgets/{number}: {problem}" for problem in _widget_problems(widget))


def _widget_problems(widget: dict[str, Any]) -> Iterator[str]:
    needed, properties = _NEEDED.get(widget.get("type", "")), widget.get("properties")
    if needed is None:
        yield f"type should be one of {', '.join(_NEEDED)}"
        return
    if not isinstance(properties, dict):
        yield 'Should have required property "properties"'
        return
    if missing := sorted(needed - properties.keys()):
        yield f"properties: Should have required properties {', '.join(missing)}"
    if not widget.get("x", 0) + widget.get("width", 6) <= _COLUMNS:
        yield f"x and width should not be more than {_COLUMNS} together"
    if widget["type"] == "metric" and not (
        properties.get("metrics") or properties.get("annotations", {}).get("alarms")
    ):
        yield "properties: metrics or annotations.alarms should be given"
