"""The status model: what goes on the wire, and the smallest patch from one status to the next."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from missyou_operator.api.status import MESSAGE_MAX, Condition, Outputs, Status, merge_patch, parse_status

from .statuses import FULL_STATUS, NOON, READY


def test_an_empty_status_still_has_its_generation():
    assert Status().to_wire() == {"observedGeneration": -1}


def test_names_on_the_wire_are_those_of_the_contract():
    wire = FULL_STATUS.to_wire()
    assert list(wire["outputs"]) == [
        "albURL",
        "rdsEndpoint",
        "ecrRepositoryURL",
        "vpcID",
        "ecsCluster",
        "ecsService",
        "logGroup",
        "databaseEngineVersion",
        "snapshotARN",
    ]
    assert wire["conditions"] == [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Available",
            "message": "",
            "observedGeneration": 3,
            "lastTransitionTime": "2026-01-02T12:00:00Z",
        }
    ]
    assert (wire["runningTasks"], wire["desiredTasks"], wire["tasks"]) == (0, 2, "0/2")
    assert wire["plan"]["changes"][0] == {
        "action": "Replace",
        "resource": "RDS shop-db",
        "fields": [],
        "destroysData": True,
    }
    assert wire["drift"][0]["foundAt"] == wire["lastSyncTime"] == "2026-01-02T12:00:00Z"
    assert wire["lastHandledReconcileAt"] == "now"
    assert wire["blockers"][0]["owner"] == "amazon-elb"
    assert (wire["cost"]["monthlyUSD"], wire["cost"]["pricesFrom"]) == ("170.57", "2026-08-31")
    assert wire["plan"]["cost"] == {"monthlyUSD": "200.00", "differenceUSD": "+29.43"}


def test_what_is_read_back_is_what_was_written():
    status = Status(observed_generation=1, conditions=(READY,), last_sync_time=NOON)
    again = parse_status({"status": status.to_wire()})
    assert again.to_wire() == status.to_wire()
    assert again.conditions[0].last_transition_time == NOON.replace(microsecond=0)


def test_times_are_written_in_utc_and_must_have_a_zone():
    paris = NOON.astimezone(timezone(timedelta(hours=1)))
    assert Status(last_sync_time=paris).to_wire()["lastSyncTime"] == "2026-01-02T12:00:00Z"
    with pytest.raises(ValidationError):
        Status(last_sync_time=datetime(2026, 1, 2))


def test_unknown_fields_of_another_version_are_dropped():
    assert parse_status({"status": {"weather": {"monthly": "rain"}}}).to_wire() == {"observedGeneration": -1}


def test_an_object_without_status_has_an_empty_one():
    assert parse_status({"metadata": {}}) == Status()


def test_a_message_beyond_the_bound_is_cut_and_not_refused():
    condition = Condition(type="Ready", status="False", reason="X", message="m" * 40000, last_transition_time=NOON)
    assert len(condition.message) == MESSAGE_MAX
    assert condition.message.endswith("…")


@pytest.mark.parametrize("reason", ["", "has space", "1st", "-"])
def test_reasons_are_words_that_a_script_can_match(reason):
    with pytest.raises(ValidationError):
        Condition(type="Ready", status="True", reason=reason, last_transition_time=NOON)


def test_the_same_status_needs_no_patch():
    wire = Status(observed_generation=1, conditions=(READY,), outputs=Outputs(vpc_id="vpc-1")).to_wire()
    assert merge_patch(wire, copy.deepcopy(wire)) == {}


def test_what_is_gone_becomes_null_and_the_rest_stays_out_of_the_patch():
    before = {"url": "http://a", "plan": {"id": "x"}, "outputs": {"vpcID": "v", "logGroup": "g"}}
    after = {"url": "http://a", "outputs": {"vpcID": "v2"}, "tasks": "1/1"}
    assert merge_patch(before, after) == {"plan": None, "outputs": {"vpcID": "v2", "logGroup": None}, "tasks": "1/1"}


documents = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
)
objects = st.dictionaries(st.sampled_from("abcd"), documents, max_size=4)


def apply(document, patch):
    """RFC 7386, as its text has it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply(result.get(key), value)
    return result


@given(objects, objects)
def test_applying_the_patch_gives_the_new_status(before, after):
    assert apply(before, merge_patch(before, after)) == after
