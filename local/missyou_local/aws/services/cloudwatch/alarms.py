"""CloudWatch alarms: they start without data and notify topics; refusals that moto lacks."""

from __future__ import annotations

import re

from missyou_local.aws.call import Call, Result, checks, handles
from missyou_local.aws.errors import AwsError
from missyou_local.aws.services.sns import topics as sns


@handles("cloudwatch:PutMetricAlarm")
def put_metric_alarm(call: Call) -> Result:
    """Put an alarm. A new one has insufficient data; a changed one keeps its state."""
    alarms = call.moto("cloudwatch").alarms
    name = call.params["AlarmName"]
    former = alarms.get(name)
    result = call.forward()
    alarms[name].state_value = former.state_value if former else "INSUFFICIENT_DATA"
    return result


@handles("cloudwatch:DeleteAlarms")
def delete_alarms(call: Call) -> Result:
    """Delete alarms with their tags, which moto would give to the next one of the name."""
    cloudwatch = call.moto("cloudwatch")
    for name in call.params["AlarmNames"]:
        if alarm := cloudwatch.alarms.get(name):
            cloudwatch.tagger.delete_all_tags_for_resource(alarm.alarm_arn)
    return call.forward()


@handles("cloudwatch:SetAlarmState")
def set_alarm_state(call: Call) -> Result:
    """Change an alarm's state, and notify the topics of the new state's actions."""
    alarm = call.moto("cloudwatch").alarms.get(call.params["AlarmName"])
    before = alarm.state_value if alarm is not None else ""
    result = call.forward()
    if alarm is None or alarm.state_value == before or not alarm.actions_enabled:
        return result
    actions = {"ALARM": alarm.alarm_actions, "OK": alarm.ok_actions}.get(alarm.state_value)
    for arn in alarm.insufficient_data_actions if actions is None else actions:
        sns.notify(call, arn, alarm.alarm_arn, f'{alarm.state_value}: "{alarm.name}" in {call.region}')
    return result


@checks("cloudwatch:PutMetricAlarm")
def actions_are_near(call: Call) -> None:
    """Refuse a topic of another region; the words are quoted in github.com/cds-snc/notification-terraform, pull 128."""
    for arn in [*call.params.get("AlarmActions", []), *call.params.get("OKActions", [])]:
        parts = arn.split(":")
        if parts[2] == "sns" and parts[3] != call.region:
            raise _invalid(f"Invalid region {parts[3]} specified. Only {call.region} is supported.")


@checks("cloudwatch:PutMetricAlarm")
def alarm_can_be_evaluated(call: Call) -> None:
    """Refuse periods and counts that CloudWatch refuses; see the API reference, PutMetricAlarm."""
    params = call.params
    period, count = params.get("Period"), params["EvaluationPeriods"]
    if count < 1:
        raise _invalid(f"EvaluationPeriods must be at least 1, not {count}")
    if not 1 <= params.get("DatapointsToAlarm", count) <= count:
        raise _invalid("DatapointsToAlarm must be at least 1, and not more than EvaluationPeriods")
    if params.get("TreatMissingData", "missing") not in _MISSING:
        raise _invalid(f"TreatMissingData must be one of {', '.join(_MISSING)}, not {params['TreatMissingData']}")
    if period is not None:
        _check_period(period, count)


_MISSING = ("breaching", "notBreaching", "ignore", "missing")
_DAY, _WEEK, _HOUR = 86_400, 604_800, 3600


def _check_period(period: int, count: int) -> None:
    if period not in (10, 20, 30) and (period < 60 or period % 60):
        raise _invalid(f"Period must be 10, 20, 30 or a multiple of 60, not {period}")
    most = _WEEK if period >= _HOUR else _DAY
    if period * count > most:
        raise _invalid(f"Metrics cannot be checked across more than {most} seconds (EvaluationPeriods * Period)")


@checks("cloudwatch:PutMetricAlarm")
def alarm_watches_one_thing(call: Call) -> None:
    """Refuse a metric beside metric math, neither of them, math without exactly one result, and unknown ids in it.

    Source: API reference, PutMetricAlarm and MetricDataQuery; user guide, "Using math expressions with metrics".
    """
    params, queries = call.params, call.params.get("Metrics")
    if not queries:
        if not params.get("MetricName"):
            raise _invalid("One of MetricName, Metrics or EvaluationCriteria must be given")
        return
    if both := sorted(params.keys() & {"Namespace", "MetricName", "Dimensions", "Period", "Unit", "Statistic"}):
        raise _invalid(f"Metrics cannot be given together with {', '.join(both)}")
    ids = [query["Id"] for query in queries]
    if wrong := [name for name in ids if not re.fullmatch(r"[a-z]\w*", name) or ids.count(name) > 1]:
        raise _invalid(f"Ids must be different, and begin with a lower-case letter: {', '.join(wrong)}")
    if sum(query.get("ReturnData", True) for query in queries) != 1:
        raise _invalid("Exactly one element of the metrics list should return data.")
    if any(("Expression" in query) == ("MetricStat" in query) for query in queries):
        raise _invalid("Each element of Metrics has either an Expression or a MetricStat")
    named = {word for query in queries for word in re.findall(r"\b[a-z]\w*", query.get("Expression", ""))}
    if unknown := sorted(named - set(ids)):
        raise _invalid(f"An expression names what is not an Id: {', '.join(unknown)}")


@checks("cloudwatch:PutMetricAlarm")
def alarm_has_few_actions(call: Call) -> None:
    """Refuse more than five actions for a state."""
    for key in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        if len(call.params.get(key, [])) > 5:
            raise _invalid(f"1 validation error detected: {key} must have length less than or equal to 5")


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message)
