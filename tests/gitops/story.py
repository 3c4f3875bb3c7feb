"""What happens in the life whose statuses are recorded. Each step leaves the app as it found it."""

from __future__ import annotations

from tests.sim.aws import OPERATOR, Aws

from .life import Moment, Watched


def live(aws: Aws) -> list[Moment]:
    """Live the life, and give all its moments in order."""
    app = Watched(
        aws,
        "missyou",
        environment="Production",
        database={"storageGiB": 40, "deletionProtection": False},
        loadBalancer={"deletionProtection": False},
    )
    for step in (_creation, _change, _stop, _refusals, _outage, _drift, _failing_tasks, _deletion):
        step(app)
    return app.moments


def _until(app: Watched, type_: str, reason: str, name: str) -> None:
    app.until(lambda _: app.reason(type_) == reason, name)
    app.name_this(name)


def _creation(app: Watched) -> None:
    app.name_this("new")
    app.edit(suspend=True)
    app.one_pass()
    app.name_this("suspended-when-new")
    app.edit(suspend=False)
    _until(app, "Ready", "ImageNotFound", "waiting-for-image")
    app.push()
    _until(app, "Ready", "Provisioning", "creating-network")
    app.until(lambda _: app.reason("NetworkReady") == "Available", "network")
    _until(app, "Ready", "Creating", "creating-database")
    _until(app, "Ready", "Starting", "starting-tasks")
    app.grow()
    app.name_this("ready")


def _change(app: Watched) -> None:
    app.push("v2")
    app.edit(image={"tag": "v2"})
    app.name_this("stale-generation")
    _until(app, "Ready", "RollingOut", "rolling-out")
    app.grow()
    app.edit(image={"tag": "v3"})
    _until(app, "Ready", "ImageNotFound", "image-missing")
    app.edit(image={"tag": "v2"})
    app.grow()
    app.edit(service={"port": 9000}, network={"natGateways": 1})
    app.grow()
    app.until(lambda _: app.condition("InSync")["status"] == "True", "in sync")


def _stop(app: Watched) -> None:
    app.edit(suspend=True)
    app.one_pass()
    app.name_this("suspended")
    app.push("v4")
    app.edit(suspend=False, image={"tag": "v4"})
    app.one_pass()
    app.edit(suspend=True)
    app.one_pass()
    app.name_this("suspended-unready")
    app.edit(suspend=False)
    app.grow()


def _refusals(app: Watched) -> None:
    app.edit(database={"storageGiB": 20})
    with app.in_trouble():
        _until(app, "Stalled", "ApprovalRequired", "waiting-for-approval")
    app.edit(database={"storageGiB": 40})
    app.grow()
    app.edit(service={"cpu": 300})
    with app.in_trouble():
        _until(app, "Stalled", "InvalidSpec", "invalid-spec")
    app.edit(service={"cpu": 512})
    app.grow()
    with app.rules({"match": "cloudwatch:PutMetricAlarm", "deny": True}):
        app.edit(monitoring={"alarms": {"serviceCPUPercent": 60}})
        with app.in_trouble():
            _until(app, "Stalled", "AccessDenied", "access-denied")
    app.observe_now()
    app.grow()


def _outage(app: Watched) -> None:
    fail = {"code": "ServiceUnavailable", "status": 503, "message": "try later"}
    with app.rules({"match": "*", "caller": OPERATOR, "fail": fail}):
        app.until(lambda _: app.condition("Ready")["status"] != "True", "unreachable for minutes")
        app.name_this("aws-unreachable")
    app.grow()
    app.observe_now()


def _drift(app: Watched) -> None:
    app.edit(driftPolicy="Report")
    app.grow()
    app.client("logs").put_retention_policy(logGroupName="/ecs/missyou", retentionInDays=30)
    app.observe_now()
    app.name_this("drifted")
    elb = app.client("elbv2")
    [balancer] = elb.describe_load_balancers(Names=["missyou-alb"])["LoadBalancers"]
    [listener] = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    elb.delete_listener(ListenerArn=listener["ListenerArn"])
    with app.in_trouble():
        app.observe_now()
        app.name_this("drifted-and-broken")
    app.edit(driftPolicy="Correct")
    app.grow()


def _failing_tasks(app: Watched) -> None:
    secrets, ecs = app.client("secretsmanager"), app.client("ecs")
    arn = secrets.create_secret(Name="elsewhere", SecretString="a key")["ARN"]
    app.edit(secrets={"googleAPIKey": {"secretARN": arn}})
    app.grow()
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    [task, *_] = ecs.list_tasks(cluster="missyou-cluster")["taskArns"]
    ecs.stop_task(cluster="missyou-cluster", task=task)
    app.clock.now += 60.0
    app.observe_now()
    _until(app, "Ready", "TasksFailing", "tasks-failing")
    app.edit(service={"debug": True})
    with app.in_trouble():
        _until(app, "Ready", "RolloutFailed", "rollout-failed")
    app.edit(secrets={"googleAPIKey": None})
    app.grow()


def _deletion(app: Watched) -> None:
    app.ask_to_delete()
    app.teardown()
    app.name_this("deleting")
    with app.rules({"match": "rds:DeleteDBInstance", "deny": True}), app.in_trouble():
        while not app.condition("Stalled")["status"]:
            app.clock.now += 1.0
            app.teardown()
        app.name_this("deletion-denied")
    app.annotate("reconcile", "allowed")
    app.delete()
