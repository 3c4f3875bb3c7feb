"""CloudWatch dashboards. Behaviour: API reference, PutDashboard (which creates and overwrites) and GetDashboard.

Dashboards are global to an account, so their names contain the region. They have tags like everything else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.cloudwatch.tags import retag, still_ours, tags_of
from missyou_operator.aws.errors import gone
from missyou_operator.aws.idempotency import exists_already
from missyou_operator.aws.identity import StackIdentity, tag_list
from missyou_operator.aws.informer import SLOW, Source
from missyou_operator.aws.listing import Named
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import as_json, compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import FieldChange, Health, Observed

#: The dashboard as a resource of actions. Its ARN has no region.
_DASHBOARD = "cloudwatch:dashboard/{cloudwatch.Dashboard}"


@dataclass(frozen=True, kw_only=True)
class Dashboard(Named):
    """A dashboard; `body` is what CloudWatch keeps as JSON: API reference, "Dashboard Body Structure and Syntax"."""

    TYPE: ClassVar[str] = "cloudwatch.Dashboard"
    LISTING = Source("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName")
    COMPARED = compare(body=as_json)
    EFFECTS = Effects(Effect("PutDashboard"), Effect("DeleteDashboards"), update=Effect("PutDashboard"))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("cloudwatch:ListDashboards"),
        observe("cloudwatch:GetDashboard", "cloudwatch:ListTagsForResource", on=(_DASHBOARD,)),
        make("cloudwatch:PutDashboard", "cloudwatch:TagResource", on=(_DASHBOARD,)),
        change("cloudwatch:PutDashboard", "cloudwatch:TagResource", "cloudwatch:DeleteDashboards", on=(_DASHBOARD,)),
        change("cloudwatch:UntagResource", on=(_DASHBOARD,)),
    )

    body: Mapping[str, Any]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        name, arn = row["DashboardName"], row["DashboardArn"]
        tags = tags_of(reader, arn)
        attrs: dict[str, Any] = {"id": name, "arn": arn}
        if reader.owns(cls, name, tags):
            answer = reader.detail(SLOW, "cloudwatch", "get_dashboard", DashboardName=name)
            attrs["body"] = json.loads(answer["DashboardBody"])
        return reader.observed(cls, name, name, attrs, tags)

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Name the widgets that differ, instead of printing two documents."""
        return tuple(self._readable(change, observed) for change in super().diff(observed))

    def _readable(self, change: FieldChange, observed: Observed) -> FieldChange:
        if change.field != "body":
            return change
        before, after = _widgets(observed.attrs["body"]), _widgets(self.body)
        return replace(
            change,
            before=", ".join(title for title, text in before.items() if after.get(title) != text) or "(nothing more)",
            after=", ".join(title for title, text in after.items() if before.get(title) != text) or "(nothing more)",
        )

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its tags, unless one has appeared since the last read: the call would overwrite it."""
        client = cloud.client("cloudwatch")
        rows = pages(client, "list_dashboards", "DashboardEntries", DashboardNamePrefix=self.name)
        if any(row["DashboardName"] == self.name for row in rows):
            raise exists_already(self.address)
        client.put_dashboard(DashboardName=self.name, DashboardBody=_text(self.body), Tags=tag_list(self.tags))
        return self.as_created(self.name, arn=_arn(cloud.stack, self.name))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set what differs, tags first: the operator may change only dashboards that have them."""
        still_ours(cloud, observed)
        client = cloud.client("cloudwatch")
        if "tags" in changed:
            retag(cloud, self, observed)
        if "body" in changed:
            client.put_dashboard(DashboardName=self.name, DashboardBody=_text(self.body))
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it."""

        def delete() -> None:
            still_ours(cloud, observed)
            cloud.client("cloudwatch").delete_dashboards(DashboardNames=[observed.id])

        return gone(delete)


def _arn(stack: StackIdentity, name: str) -> str:
    return f"arn:{stack.partition}:cloudwatch::{stack.account}:dashboard/{name}"


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, separators=(",", ":"))


def _compared(part: Mapping[str, Any]) -> Any:
    """Return a body or a widget as plain JSON, with a placeholder for each value that is not known yet."""
    return json.loads(json.dumps(part, default=str))


def _widgets(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return each widget's content by its title, or by its type if it has none, and the dashboard's own settings."""
    widgets = {
        str(widget.get("properties", {}).get("title") or f"a {widget.get('type')} widget"): _compared(widget)
        for widget in body.get("widgets", ())
    }
    return {**widgets, "dashboard settings": _compared({k: v for k, v in body.items() if k != "widgets"})}
