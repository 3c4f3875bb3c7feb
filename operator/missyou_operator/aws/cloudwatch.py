"""CloudWatch alarms. Behaviour: CloudWatch API reference, PutMetricAlarm (it overwrites all, tags excepted)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from missyou_operator.aws.cloud import Cloud, Reader, pages
from missyou_operator.aws.errors import gone
from missyou_operator.aws.permissions import Grant, change, look, make
from missyou_operator.aws.stack import tag_list, tag_map
from missyou_operator.engine.resource import READY, Health, Observed, Resource
from missyou_operator.engine.values import Ref

#: How the alarms of a stack end: `<stack>-<suffix>`.
SUFFIXES = ("ecs-cpu", "rds-cpu", "rds-storage")
_NAMES = tuple(f"cloudwatch:alarm:{{stack}}-{suffix}" for suffix in SUFFIXES)


@dataclass(frozen=True, kw_only=True)
class Alarm(Resource):
    """An alarm on one metric. `period` is in seconds, `threshold` in the metric's own unit (free storage: bytes).

    `notified` are the topics that are told when it begins to ring and when it ends. That it lacks data is told to
    nobody: a database that restarts would wake somebody up.
    """

    TYPE: ClassVar[str] = "cloudwatch.Alarm"
    COMPARED: ClassVar[tuple[str, ...]] = (
        "namespace",
        "metric",
        "dimensions",
        "threshold",
        "comparison",
        "statistic",
        "period",
        "evaluation_periods",
        "treat_missing",
        "description",
        "notified",
        "told_of_end",
        "actions_enabled",
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        look("cloudwatch:DescribeAlarms"),
        look("cloudwatch:ListTagsForResource", on=_NAMES),
        make("cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", on=_NAMES),
        change("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", on=_NAMES),
    )

    namespace: str
    metric: str
    dimensions: Mapping[str, str | Ref]
    threshold: float
    comparison: str
    statistic: str = "Average"
    period: int = 300
    evaluation_periods: int = 2
    treat_missing: str = "missing"
    description: str = ""
    notified: tuple[str | Ref, ...] = ()
    actions_enabled: bool = True

    @property
    def told_of_end(self) -> tuple[str | Ref, ...]:
        """The topics that are told when it rings no more."""
        return self.notified

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Find the stack's alarms by name; the tags of each take a call."""
        rows = reader.shared(
            "cloudwatch.describe_alarms",
            lambda: pages(reader.client("cloudwatch"), "describe_alarms", "MetricAlarms", AlarmTypes=["MetricAlarm"]),
        )
        names = {f"{reader.stack.name}-{suffix}" for suffix in SUFFIXES}
        return [cls._observed(reader, row) for row in rows if row["AlarmName"] in names]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        answer = reader.client("cloudwatch").list_tags_for_resource(ResourceARN=row["AlarmArn"])
        attrs = {
            "id": row["AlarmName"],
            "arn": row["AlarmArn"],
            "namespace": row.get("Namespace"),
            "metric": row.get("MetricName"),
            "dimensions": tag_map(row.get("Dimensions"), key="Name"),
            "threshold": row.get("Threshold"),
            "comparison": row.get("ComparisonOperator"),
            "statistic": row.get("Statistic"),
            "period": row.get("Period"),
            "evaluation_periods": row.get("EvaluationPeriods"),
            "treat_missing": row.get("TreatMissingData") or "missing",
            "description": row.get("AlarmDescription") or "",
            "notified": tuple(row.get("AlarmActions") or ()),
            "told_of_end": tuple(row.get("OKActions") or ()),
            "actions_enabled": row.get("ActionsEnabled", True),
        }
        tags = tag_map(answer.get("Tags"))
        return reader.observed(cls, row["AlarmName"], row["AlarmName"], attrs, tags, row.get("StateValue", ""))

    def satisfied(self, name: str, observed: Observed) -> bool:
        """Compare topics as the sets that they are."""
        if name in {"notified", "told_of_end"}:
            return set(observed.attrs[name]) == set(self.notified)
        return super().satisfied(name, observed)

    def health(self, observed: Observed) -> Health:
        """Call an alarm that rings ready, for it works, and say that it rings."""
        if observed.state == "ALARM":
            return Health("ready", message=f"{self.name} is in ALARM: {self.description}")
        return READY

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its tags; its state is unknown until the metric had data."""
        self._put(cloud, Tags=tag_list(self.tags))
        return self.made(self.name, "INSUFFICIENT_DATA", arn=cloud.stack.arn("cloudwatch", f"alarm:{self.name}"))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Write all settings anew, and the tags, which need a call of their own."""
        if changed - {"tags"}:
            self._put(cloud)
        if "tags" in changed:
            cloud.client("cloudwatch").tag_resource(ResourceARN=observed.attrs["arn"], Tags=tag_list(self.tags))
        return self.as_desired(observed)

    def _put(self, cloud: Cloud, **tags: Any) -> None:
        cloud.client("cloudwatch").put_metric_alarm(
            AlarmName=self.name,
            AlarmDescription=self.description,
            Namespace=self.namespace,
            MetricName=self.metric,
            Dimensions=tag_list({name: str(value) for name, value in self.dimensions.items()}, key="Name"),
            Statistic=self.statistic,
            Period=self.period,
            EvaluationPeriods=self.evaluation_periods,
            Threshold=self.threshold,
            ComparisonOperator=self.comparison,
            TreatMissingData=self.treat_missing,
            AlarmActions=list(self.notified),
            OKActions=list(self.notified),
            ActionsEnabled=self.actions_enabled,
            **tags,
        )

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it; AWS ignores names that it does not know."""
        return gone(lambda: cloud.client("cloudwatch").delete_alarms(AlarmNames=[observed.id]))
