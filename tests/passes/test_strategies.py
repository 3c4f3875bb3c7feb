"""Strategies that shift requests between two target groups, in a running stack: into them, in them, and out again."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.app import App, changes
from tests.sim.picture import without_history

from .test_rollouts import NAME, failed, forwarding, groups, ports, service, settled, under_watch

STRATEGIES = {
    "BlueGreen": {"strategy": "BlueGreen", "bakeMinutes": 16},
    "Canary": {"strategy": "Canary", "canaryPercent": 20, "stepMinutes": 16, "bakeMinutes": 8},
    "Linear": {"strategy": "Linear", "stepPercent": 40, "stepMinutes": 8, "bakeMinutes": 0},
}


@pytest.fixture(scope="module")
def rolling(aws) -> App:
    """A stack that serves, with rolling deployments; a bake minute lasts a quarter of a second."""
    aws.tell(timing={"bake_minute": 0.25, "iam": 2.0})
    app = App(aws, NAME, environment="Development", service={"replicas": {"min": 2, "max": 4}})
    app.settle()
    return app


def deploys(app: App, **deployment: Any) -> None:
    app.edit(service={"deployment": deployment})
    under_watch(app, settled(app))
    # The deployment by which the strategy was set is over, and the strategy is.
    wanted = {"BlueGreen": "BLUE_GREEN", "Canary": "CANARY", "Linear": "LINEAR"}.get(deployment.get("strategy", ""))
    under_watch(app, lambda: settled(app)() and strategy(app) == (wanted or "ROLLING"))


def shifting(rolling: App) -> App:
    """Set blue/green deployments, in the fork of one test: others start from rolling ones."""
    deploys(rolling, **STRATEGIES["BlueGreen"])
    return rolling


def strategy(app: App) -> str:
    return service(app)["deploymentConfiguration"]["strategy"]


def rollout(app: App, tag: str, **spec: Any) -> list[dict[str, int]]:
    """Roll another image out under watch, and return the weights on the way, each once."""
    app.push(tag)
    app.edit(image={"tag": tag}, **spec)
    seen: list[dict[str, int]] = []

    def done() -> bool:
        if (now := forwarding(app)) not in seen:
            seen.append(now)
        return settled(app)() and service(app)["deployments"][0]["rolloutState"] == "COMPLETED"

    under_watch(app, done)
    return seen


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_is_set_used_twice_and_left_without_a_trace(rolling: App, name: str) -> None:
    before = rolling.everything()
    deploys(rolling, **STRATEGIES[name])
    assert len(groups(rolling)) == 2
    [start] = [forwarding(rolling)]
    one, other = sorted(start, key=lambda arn: -start[arn])
    for tag, live in (("v2", other), ("v3", one)):
        shares = [weights[live] for weights in rollout(rolling, tag)]
        assert shares == {"BlueGreen": [0, 100], "Canary": [0, 20, 100], "Linear": [0, 40, 80, 100]}[name]
        assert rolling.body["status"].get("drift", []) == []
    rolling.clock.now += 60
    assert changes(rolling.calls(rolling.observe_now)) == {}
    rolling.restart()
    assert changes(rolling.calls(rolling.observe_now)) == {}
    rolling.edit(image={"tag": "latest"})
    deploys(rolling)
    rolling.settle()
    assert without_history(rolling.everything()) == without_history(before)


# What does not fit the present pair


def test_another_health_check_is_a_rolling_deployment_and_then_another_pair(rolling: App) -> None:
    app = shifting(rolling)
    old = set(groups(app))
    app.edit(service={"healthCheck": {"path": "/ready"}})
    under_watch(app, lambda: settled(app)() and strategy(app) == "BLUE_GREEN" and not_one(app, old))
    assert list(groups(app).values()) == ["/ready", "/ready"]
    assert len(rollout(app, "v2")) == 2


def not_one(app: App, arns: set[str]) -> bool:
    """Return whether the pair is whole, and none of these target groups is left."""
    return len(groups(app)) == 2 and not arns & set(groups(app))


def test_a_domain_comes_and_goes_and_the_listener_that_serves_shifts(rolling: App) -> None:
    app = shifting(rolling)
    app.client("route53").create_hosted_zone(Name="example.com", CallerReference="strategies")
    for domain, port in (({"name": "app.example.com"}, 443), (None, 80)):
        app.edit(domain=domain)
        under_watch(app, lambda port=port: shifts_by(app) == port and strategy(app) == "BLUE_GREEN")
        assert len(rollout(app, f"v{port}")) == 2


def shifts_by(app: App) -> int:
    """Return the port of the listener by whose rule ECS shifts requests, 0 if it does not."""
    [entry, *_] = service(app)["loadBalancers"]
    rule = entry.get("advancedConfiguration", {}).get("productionListenerRule", "")
    elb = app.client("elbv2")
    [balancer] = elb.describe_load_balancers()["LoadBalancers"]
    rows = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    return next((row["Port"] for row in rows if row["ListenerArn"].rpartition("/")[2] in rule), 0)


def test_a_new_certificate_policy_leaves_the_weights_alone(rolling: App) -> None:
    """What others change of the listener is put right without a read of weights that ECS has changed since."""
    app = shifting(rolling)
    rollout(app, "v2")
    elb = app.client("elbv2")
    [balancer] = elb.describe_load_balancers()["LoadBalancers"]
    [listener] = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    elb.add_tags(ResourceArns=[listener["ListenerArn"]], Tags=[{"Key": "missyou.app/component", "Value": "mine"}])
    before = forwarding(app)
    app.clock.now += 60
    app.observe_now()
    assert forwarding(app) == before


# Rollbacks


@pytest.mark.parametrize("name", ["", "Linear"])
def test_an_alarm_ends_a_rollout_which_is_told_and_not_tried_again(rolling: App, name: str) -> None:
    if name:
        deploys(rolling, **STRATEGIES[name])
    present = service(rolling)["taskDefinition"]
    live = {arn for arn, weight in forwarding(rolling).items() if weight}
    rolling.push("v2")
    rolling.edit(image={"tag": "v2"}, service={"port": 9000})
    under_watch(rolling, lambda: served_by_new_tasks(rolling))
    assert {8000, 9000} <= ports(rolling)
    alarm(rolling, "ALARM")
    under_watch(rolling, failed(rolling))
    message = rolling.condition("ServiceReady")["message"]
    assert f"The alarm {NAME}-alb-5xx went off while it was rolled out" in message
    assert "went back" in message or "rolled back" in message
    assert rolling.reason("InSync") == "RolloutFailed"
    alarm(rolling, "OK")
    ends = rolling.clock.now + 30
    under_watch(rolling, lambda: rolling.clock.now > ends)
    row = service(rolling)
    assert (row["taskDefinition"], row["loadBalancers"][0]["containerPort"]) == (present, 8000)
    assert {arn for arn, weight in forwarding(rolling).items() if weight} == live
    assert 8000 in ports(rolling)
    rolling.restart()
    assert changes(rolling.calls(rolling.observe_now)) == {}
    rolling.edit(image={"tag": "latest"})
    under_watch(rolling, settled(rolling))


def served_by_new_tasks(app: App) -> bool:
    """Return whether a deployment is far enough for an alarm to be about the new version."""
    row = service(app)
    started = row["deployments"][0]["runningCount"] == row["desiredCount"] and len(row["deployments"]) > 1
    return (started or row["deployments"][0]["rolloutState"] == "IN_PROGRESS") and row["taskDefinition"].endswith(":2")


def alarm(app: App, state: str) -> None:
    app.client("cloudwatch").set_alarm_state(
        AlarmName=f"{NAME}-alb-5xx", StateValue=state, StateReason="a test says so"
    )


@pytest.mark.parametrize(
    "spec",
    [
        {"service": {"port": 9000}},
        {"service": {"healthCheck": {"path": "/ready"}}},
    ],
    ids=["port", "health check"],
)
def test_a_broken_image_with_another_change_leaves_the_old_version_serving(rolling: App, spec: dict[str, Any]) -> None:
    app = shifting(rolling)
    present = service(app)["taskDefinition"]
    app.push("broken")
    app.edit(image={"tag": "broken"}, **spec)
    while len(service(app)["deployments"]) == 1:
        app.one_pass()
    app.client("ecr").batch_delete_image(repositoryName=NAME, imageIds=[{"imageTag": "broken"}])
    under_watch(app, lambda: len(service(app)["deployments"]) == 1)
    app.push("broken")
    under_watch(app, failed(app))
    assert service(app)["taskDefinition"] == present
    ends = app.clock.now + 30
    under_watch(app, lambda: app.clock.now > ends)
    assert changes(app.calls(app.observe_now)) == {}
    app.edit(image={"tag": "latest"})
    under_watch(app, lambda: settled(app)() and strategy(app) == "BLUE_GREEN")


def test_an_alarm_that_does_not_exist_is_left_out(rolling: App) -> None:
    assert service(rolling)["deploymentConfiguration"]["alarms"] == {
        "alarmNames": [f"{NAME}-alb-5xx", f"{NAME}-alb-unhealthy"],
        "enable": True,
        "rollback": True,
    }
    rolling.aws.faults({"match": "cloudwatch:PutMetricAlarm", "deny": True})
    rolling.client("cloudwatch").delete_alarms(AlarmNames=[f"{NAME}-alb-5xx"])
    rolling.clock.now += 60
    rolling.observe_now()
    assert service(rolling)["deploymentConfiguration"]["alarms"]["alarmNames"] == [f"{NAME}-alb-unhealthy"]
