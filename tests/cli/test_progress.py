"""How far an app is, and when the wait for it is over."""

from __future__ import annotations

import pytest

from missyou_operator.cli.exits import Exit, Failure
from missyou_operator.cli.progress import view

TIME = "2026-01-02T12:00:00Z"


def condition(type_, status="True", reason="Available", message=""):
    return {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": TIME}


def shop(*conditions, generation=2, observed=2, **status):
    return {
        "metadata": {"name": "shop", "generation": generation},
        "spec": {},
        "status": {"observedGeneration": observed, "conditions": list(conditions), **status},
    }


def test_components_come_in_the_order_in_which_a_stack_grows():
    assert [row.name for row in view(shop()).rows] == [
        "NetworkReady",
        "DatabaseReady",
        "RegistryReady",
        "SecretsReady",
        "LoadBalancerReady",
        "ServiceReady",
        "MonitoringReady",
        "Ready",
    ]


def test_parts_that_only_some_apps_have_come_before_the_sum():
    names = [row.name for row in view(shop(condition("WAFReady"), condition("DomainReady"))).rows]
    assert names[-3:] == ["WAFReady", "DomainReady", "Ready"]


@pytest.mark.parametrize(
    ("given", "mark"),
    [
        (None, "absent"),
        (condition("ServiceReady"), "ready"),
        (condition("ServiceReady", "False", "Creating"), "working"),
        (condition("ServiceReady", "Unknown", "Creating"), "working"),
        (condition("ServiceReady", "False", "ImageNotFound"), "failed"),
        (condition("ServiceReady", "False", "Odd"), "working"),
    ],
)
def test_each_row_has_its_mark(given, mark):
    rows = {row.name: row for row in view(shop(*[given] if given else [])).rows}
    assert rows["ServiceReady"].mark == mark


def test_the_component_that_stalls_the_app_has_failed_whatever_its_reason():
    stalled = condition("Stalled", "True", "Odd")
    rows = {row.name: row for row in view(shop(stalled, condition("ServiceReady", "False", "Odd"))).rows}
    assert rows["ServiceReady"].mark == "failed"


def test_ready_ends_the_wait_with_the_url():
    assert view(shop(condition("Ready"), url="http://alb")).verdict == (Exit.OK, "Ready: http://alb")


def test_stalled_ends_the_wait_with_what_to_do():
    found = view(shop(condition("Ready", "False", "QuotaExceeded"), condition("Stalled", "True", "X", "ask\n  AWS")))
    assert found.verdict == (Exit.STALLED, "Stalled: X: ask AWS")


@pytest.mark.parametrize(
    "app",
    [
        shop(),
        shop(condition("Ready", "False", "Creating")),
        shop(condition("Ready"), condition("Reconciling", "True", "Updating")),
        shop(condition("Ready"), generation=3),
        shop(condition("Stalled", "True", "InvalidSpec"), generation=3),
        {"metadata": {"name": "shop", "generation": 1}, "spec": {}},
        {"metadata": {"name": "shop", "generation": 1}, "spec": {}, "status": {"observedGeneration": -1}},
    ],
)
def test_the_wait_goes_on(app):
    assert view(app).verdict is None


def test_conditions_that_do_not_hold_do_not_count():
    idle = [condition("Reconciling", "False", "Done"), condition("Stalled", "False", "Fine")]
    assert view(shop(condition("Ready"), *idle)).verdict == (Exit.OK, "Ready")


def test_it_says_what_it_waits_for():
    app = shop(
        condition("NetworkReady"),
        condition("DatabaseReady", "False", "Creating", "takes 10 minutes"),
        condition("ServiceReady", "False", "WaitingForDatabase"),
        condition("Ready", "False", "Creating"),
    )
    assert view(app).waits_for == (
        "DatabaseReady is False (Creating: takes 10 minutes); ServiceReady is False (WaitingForDatabase)"
    )
    assert view(shop()).waits_for == "Ready is absent"


def test_a_new_generation_waits_for_the_operator_whatever_the_old_one_was():
    found = view(shop(condition("Ready"), generation=3))
    assert found.waits_for == "waiting for the operator to observe generation 3"
    assert (found.rows[-1].mark, found.rows[-1].reason) == ("working", "NotLookedAtYet")


def test_an_app_that_is_being_deleted_is_never_ready_and_names_what_is_in_the_way():
    app = shop(condition("Ready"), blockers=[{"resource": "ec2.NetworkInterface/x", "id": "eni-1"}])
    app["metadata"]["deletionTimestamp"] = TIME
    assert view(app).verdict is None
    assert view(app).waits_for == "the deletion to end, held up by ec2.NetworkInterface/x (eni-1)"


def test_a_suspended_app_says_so():
    app = shop(condition("Ready", "False", "Creating"))
    app["spec"] = {"suspend": True}
    assert view(app).waits_for == "Ready is False (Creating) (spec.suspend is true: the operator changes nothing)"


def test_a_status_of_another_version_is_one_clear_line():
    with pytest.raises(Failure, match=r"cannot read status.conditions.0.status: use the version") as failure:
        view(shop(condition("Ready", "Perhaps")))
    assert failure.value.code is Exit.CLUSTER
