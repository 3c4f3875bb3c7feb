"""CloudWatch alarms. Behaviour: CloudWatch API reference, PutMetricAlarm (it overwrites everything but tags)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from missyou_operator.aws import tagged
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.cloudwatch.tags import retag, still_ours, tags_of
from missyou_operator.aws.errors import gone
from missyou_operator.aws.idempotency import exists_already
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import Alone, Source
from missyou_operator.aws.listing import Named
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import as_set, compare
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import READY, Health, Observed
from missyou_operator.engine.values import Ref

_NAMES = ("cloudwatch:alarm:{cloudwatch.Alarm}",)
#: The id of an alarm's expression.
_WATCHED = "watched"
#: Names in a call at most. Source: CloudWatch API reference, DescribeAlarms.
_MOST_NAMES = 100
#: Seconds that a list of alarms may be old before an alarm is created.
_JUST_READ = 3.0


@dataclass(frozen=True, kw_only=True)
class Alarm(Named):
    """An alarm on one metric, or on an expression of metric math over several.

    `period` is in seconds, `threshold` in the metric's own unit (free storage: bytes). With an `expression`, `operands`
    names its metrics by their ids, all of the same namespace, statistic and period; their dimensions are `dimensions`,
    or where they differ, those in `operand_dimensions` by their ids. It fires when `datapoints` of the last
    `evaluation_periods` are beyond the threshold, 0 meaning all of them.

    It notifies the topics in `notified` when it fires and when it recovers, but not when it lacks data: a database that
    restarts would wake somebody up.
    """

    TYPE: ClassVar[str] = "cloudwatch.Alarm"
    # Nine pages a second are what AWS allows: those of a thousand stacks take a quarter of a minute.
    LISTING = Source(
        "cloudwatch",
        "describe_alarms",
        "MetricAlarms",
        "AlarmName",
        {"AlarmTypes": ["MetricAlarm"]},
        alone=Alone(_MOST_NAMES, lambda names: {"AlarmNames": list(names)}),
    )
    COMPARED = compare(
        "namespace",
        "metric",
        "expression",
        "operands",
        "operand_dimensions",
        "dimensions",
        "threshold",
        "comparison",
        "statistic",
        "period",
        "evaluation_periods",
        "datapoints",
        "treat_missing",
        "description",
        "actions_enabled",
        "unit",
        notified=as_set,
        notified_of_recovery=as_set,
        notified_of_missing_data=as_set,
    )
    EFFECTS = Effects(Effect("PutMetricAlarm"), Effect("DeleteAlarms"), update=Effect("PutMetricAlarm"))
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("cloudwatch:DescribeAlarms"),
        tagged.PERMISSION,
        observe("cloudwatch:ListTagsForResource", on=_NAMES),
        make("cloudwatch:PutMetricAlarm", "cloudwatch:TagResource", on=_NAMES),
        change("cloudwatch:PutMetricAlarm", "cloudwatch:DeleteAlarms", "cloudwatch:UntagResource", on=_NAMES),
    )

    namespace: str
    dimensions: Mapping[str, str | Ref]
    threshold: float
    comparison: str
    metric: str = ""
    expression: str = ""
    operands: Mapping[str, str] = field(default_factory=dict)
    operand_dimensions: Mapping[str, Mapping[str, str | Ref]] = field(default_factory=dict)
    statistic: str = "Average"
    period: int = 300
    evaluation_periods: int = 2
    datapoints: int = 0
    treat_missing: str = "missing"
    description: str = ""
    notified: tuple[str | Ref, ...] = ()
    actions_enabled: bool = True

    @property
    def notified_of_recovery(self) -> tuple[str | Ref, ...]:
        """The topics that it notifies when it recovers."""
        return self.notified

    @property
    def notified_of_missing_data(self) -> tuple[()]:
        """The topics that it notifies when it lacks data."""
        return ()

    @property
    def unit(self) -> str:
        """The unit that data must have to count: any."""
        return ""

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        attrs = {
            "id": row["AlarmName"],
            "arn": row["AlarmArn"],
            **_watched(row),
            "threshold": row.get("Threshold"),
            "comparison": row.get("ComparisonOperator"),
            "evaluation_periods": row.get("EvaluationPeriods"),
            "datapoints": row.get("DatapointsToAlarm") or 0,
            "treat_missing": row.get("TreatMissingData") or "missing",
            "description": row.get("AlarmDescription") or "",
            "notified": tuple(row.get("AlarmActions") or ()),
            "notified_of_recovery": tuple(row.get("OKActions") or ()),
            "notified_of_missing_data": tuple(row.get("InsufficientDataActions") or ()),
            "unit": row.get("Unit") or "",
            "actions_enabled": row.get("ActionsEnabled", True),
        }
        tags = tags_of(reader, row["AlarmArn"])
        return reader.observed(cls, row["AlarmName"], row["AlarmName"], attrs, tags, row.get("StateValue", ""))

    def matches(self, name: str, observed: Observed) -> bool:
        """Compare datapoints with their default filled in: AWS may show it if none were set."""
        if name == "datapoints":
            return (observed.attrs[name] or self.evaluation_periods) == (self.datapoints or self.evaluation_periods)
        return super().matches(name, observed)

    def health(self, observed: Observed) -> Health:
        """Return ready, even for a firing alarm, which is healthy: the message says that it fires."""
        if observed.state == "ALARM":
            # The first sentence; the rest says what to do.
            return Health("ready", message=f"{self.name} is in ALARM: {self.description.partition('. ')[0]}")
        return READY

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its tags, unless one has appeared since the last read: the call would overwrite it.

        Its state is unknown until the metric has data.
        """
        # The alarms of a stack are created together, and share the read.
        if cloud.recent(self.LISTING, _JUST_READ, self.name):
            raise exists_already(self.address)
        self._put(cloud, Tags=tag_list(self.tags))
        return self.as_created(self.name, "INSUFFICIENT_DATA", arn=cloud.stack.arn("cloudwatch", f"alarm:{self.name}"))

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Replace all settings, and write the tags by a call of their own."""
        still_ours(cloud, observed)
        if changed - {"tags"}:
            self._put(cloud)
        if "tags" in changed:
            retag(cloud, self, observed)
        return self.as_desired(observed)

    def _put(self, cloud: Cloud, **tags: Any) -> None:
        cloud.client("cloudwatch").put_metric_alarm(
            AlarmName=self.name,
            AlarmDescription=self.description,
            **(self._math() if self.expression else self._single()),
            EvaluationPeriods=self.evaluation_periods,
            **({"DatapointsToAlarm": self.datapoints} if self.datapoints else {}),
            Threshold=self.threshold,
            ComparisonOperator=self.comparison,
            TreatMissingData=self.treat_missing,
            AlarmActions=list(self.notified),
            OKActions=list(self.notified),
            ActionsEnabled=self.actions_enabled,
            **tags,
        )

    def _single(self) -> dict[str, Any]:
        return {**self._metric(self.metric, self.dimensions), "Statistic": self.statistic, "Period": self.period}

    def _metric(self, name: str, of: Mapping[str, str | Ref]) -> dict[str, Any]:
        dimensions = tag_list({key: str(value) for key, value in of.items()}, key="Name")
        return {"Namespace": self.namespace, "MetricName": name, "Dimensions": dimensions}

    def _math(self) -> dict[str, Any]:
        stat = {"Period": self.period, "Stat": self.statistic}
        queries = [
            {
                "Id": id_,
                "MetricStat": {"Metric": self._metric(name, self.operand_dimensions.get(id_, self.dimensions)), **stat},
                "ReturnData": False,
            }
            for id_, name in self.operands.items()
        ]
        return {"Metrics": [{"Id": _WATCHED, "Expression": self.expression, "ReturnData": True}, *queries]}

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it. AWS ignores unknown names."""

        def delete() -> None:
            still_ours(cloud, observed)
            cloud.client("cloudwatch").delete_alarms(AlarmNames=[observed.id])

        return gone(delete)


def _watched(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an alarm watches, as fields. A query unlike those of our alarms compares as different."""
    single = {
        "namespace": row.get("Namespace"),
        "metric": row.get("MetricName") or "",
        "expression": "",
        "operands": {},
        "operand_dimensions": {},
        "dimensions": tag_map(row.get("Dimensions"), key="Name"),
        "statistic": row.get("Statistic") or row.get("ExtendedStatistic"),
        "period": row.get("Period"),
    }
    queries = row.get("Metrics") or ()
    stats = {query["Id"]: query["MetricStat"] for query in queries if query.get("MetricStat")}
    if not stats:
        return single
    shared = [
        {
            "namespace": stat["Metric"].get("Namespace"),
            "statistic": stat.get("Stat"),
            "period": stat.get("Period"),
        }
        for stat in stats.values()
    ]
    of = {id_: tag_map(stat["Metric"].get("Dimensions"), key="Name") for id_, stat in stats.items()}
    first = next(iter(of.values()))
    same = all(each == first for each in of.values())
    return {
        **single,
        "expression": "; ".join(query["Expression"] for query in queries if query.get("Expression")),
        "operands": {id_: stat["Metric"].get("MetricName") for id_, stat in stats.items()},
        "operand_dimensions": {} if same else of,
        "dimensions": first if same else {},
        **(shared[0] if all(each == shared[0] for each in shared) else {}),
    }
