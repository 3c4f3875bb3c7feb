"""Records of the test AWS that are acted on: tasks and load balancers, made with plain boto3."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from missyou_local.processes import start_time, wait_until
from tests.local.aws.building import App, app, balancer, database, listen, network
from tests.local.aws.conftest import Aws
from tests.local.dataplane.conftest import FAST
from tests.local.dataplane.test_databases import available

PATIENCE = 60.0
#: A small app: it says which task it is, what it was given, and is ill while a file is there.
PROGRAM = textwrap.dedent(
    """
    import http.server, json, os, signal, sys, urllib.request
    print("hello from", os.environ["COLOUR"], flush=True)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_GET(self):
            ill = os.path.exists(os.environ["ILL"]) and self.path == "/health"
            told = {"pid": os.getpid(), "colour": os.environ["COLOUR"]}
            told = dict(os.environ) if self.path == "/environment" else told
            body = json.dumps(told).encode()
            self.send_response(503 if ill else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *_):
            pass

    def stop(*_):
        print("goodbye", flush=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
    """
)


class _Live(App):
    """An app whose images run."""

    def push_program(self, tag: str, command: list[str], **environment: str) -> None:
        notes = {"missyou.local/command": json.dumps(command), "missyou.local/environment": json.dumps(environment)}
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "layers": [], "annotations": notes}
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{tag:0>64}", "size": 2}
        self.aws.ecr.put_image(
            repositoryName=self.name, imageTag=tag, imageManifest=json.dumps({**manifest, "config": config})
        )

    @property
    def url(self) -> str:
        [found] = self.aws.elbv2.describe_load_balancers(LoadBalancerArns=[self.balancer])["LoadBalancers"]
        return f"http://{found['DNSName']}"

    def until(self, done: Callable[[], Any], what: str) -> None:
        if not wait_until(lambda: bool(done()), PATIENCE):
            described = json.dumps([self.describe(), self.tasks("STOPPED"), self.health()], default=str, indent=1)
            raise AssertionError(f"not {what} within {PATIENCE:g} s: {described}")

    def steady(self) -> bool:
        described = self.describe()
        [*deployments] = described["deployments"]
        return len(deployments) == 1 and deployments[0]["rolloutState"] == "COMPLETED"

    def log_of(self, task: dict[str, Any]) -> list[str]:
        stream = f"app/app/{task['taskArn'].rpartition('/')[2]}"
        try:
            events = self.aws.logs.get_log_events(logGroupName=f"/ecs/{self.name}", logStreamName=stream)["events"]
        except self.aws.logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in events]


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def status_of(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture
def live(aws: Aws, tmp_path: Path) -> _Live:
    """A service's surroundings, with the image `green` that runs `PROGRAM`."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    plain = app(aws, "live")
    made = _Live(**{name: getattr(plain, name) for name in App.__dataclass_fields__})
    made.push_program("green", [sys.executable, str(program)], COLOUR="green", ILL=str(tmp_path / "ill"))
    made.push_program("blue", [sys.executable, str(program)], COLOUR="blue", ILL=str(tmp_path / "ill"))
    made.push_program("broken", ["/bin/sh", "-c", "echo first; echo no such table: users >&2; exit 1"])
    return made


def define(live: _Live, tag: str, **changes: Any) -> str:
    return live.define(tag, **{"environment": [{"name": "PORT", "value": "8000"}], **changes})


def running(live: _Live, tag: str = "green", **changes: Any) -> None:
    live.create(define(live, tag), **changes)
    live.until(live.steady, "steady")


# Databases


# Tasks


def test_a_task_runs_what_its_definition_says_with_its_secrets_and_logs_where_it_says(live: _Live) -> None:
    extra = [{"name": "PORT", "value": "8000"}, {"name": "GREETING", "value": "hei"}]
    live.create(define(live, "green", environment=extra), desiredCount=1)
    live.until(live.steady, "steady")
    environment = get(f"{live.url}/environment")
    assert environment["GREETING"] == "hei"
    assert environment["DATABASE_URL"] == "postgresql://"
    assert environment["AWS_REGION"] == "us-east-1"
    assert "PYTEST_CURRENT_TEST" not in environment  # nothing of this process's own environment
    [task] = live.tasks()
    live.until(lambda: live.log_of(task) == ["hello from green"], "logged")
    about = get(environment["ECS_CONTAINER_METADATA_URI_V4"] + "/task")
    assert about["TaskARN"] == task["taskArn"]
    assert about["Limits"] == {"CPU": 0.25, "Memory": 512}


def test_a_definition_may_say_another_command(live: _Live) -> None:
    live.create(define(live, "green", command=["/bin/sh", "-c", "echo $PORT; sleep 1000"]), desiredCount=1)
    live.until(live.tasks, "started")
    [task] = live.tasks()
    live.until(lambda: [line for line in live.log_of(task) if line.isdecimal() and line != "8000"], "logged its port")


def test_desired_count_is_the_number_of_processes(live: _Live) -> None:
    running(live)
    assert len({get(live.url)["pid"] for _ in range(10)}) == 2
    live.update(desiredCount=3)
    live.until(lambda: len({get(live.url)["pid"] for _ in range(10)}) == 3, "three")
    pids = {get(live.url)["pid"] for _ in range(10)}
    live.update(desiredCount=1)
    live.until(lambda: sum(start_time(pid) is not None for pid in pids) == 1, "one")
    assert live.describe()["runningCount"] == 1
    stopped = live.tasks("STOPPED")[0]
    assert stopped["containers"][0]["exitCode"] == 0
    assert live.log_of(stopped)[-1] == "goodbye"


def test_a_task_that_dies_is_replaced_and_what_it_died_of_is_shown(live: _Live) -> None:
    running(live, desiredCount=1)
    os.kill(get(live.url)["pid"], signal.SIGKILL)
    live.until(lambda: live.tasks("STOPPED"), "stopped")
    [dead] = live.tasks("STOPPED")
    assert (dead["stopCode"], dead["containers"][0]["exitCode"]) == ("EssentialContainerExited", 137)
    live.until(lambda: live.health() == ["healthy"], "replaced")
    assert get(live.url)["colour"] == "green"


def test_a_rollout_replaces_processes_without_a_failed_request(live: _Live) -> None:
    running(live)
    url, seen = live.url, []
    live.update(taskDefinition=define(live, "blue"))

    def over() -> bool:
        seen.append(get(url)["colour"])
        return bool(live.steady())

    live.until(over, "rolled out")
    assert not any("rolling back" in event["message"] for event in live.describe()["events"])
    assert seen[0] == "green"
    assert {get(url)["colour"] for _ in range(6)} == {"blue"}


def test_a_broken_version_is_rolled_back_and_its_last_words_are_there(live: _Live) -> None:
    running(live)
    live.update(taskDefinition=define(live, "broken"))

    def rolled_back() -> bool:
        return live.steady() and any("rolling back" in event["message"] for event in live.describe()["events"])

    live.until(rolled_back, "rolled back")
    assert {get(live.url)["colour"] for _ in range(6)} == {"green"}
    broken = [task for task in live.tasks("STOPPED") if task["stopCode"] == "EssentialContainerExited"]
    assert len(broken) >= 3
    assert broken[0]["containers"][0]["exitCode"] == 1
    assert sorted(live.log_of(broken[0])) == ["first", "no such table: users"]


def test_what_cannot_be_run_says_so(live: _Live) -> None:
    live.push_program("nothing", ["/no/such/program"])
    live.create(define(live, "nothing"), desiredCount=1)
    live.until(lambda: live.tasks("STOPPED"), "stopped")
    assert "CannotStartContainerError" in live.tasks("STOPPED")[0]["stoppedReason"]
    live.update(taskDefinition=define(live, "v1"))  # a record without a command
    live.until(lambda: "make demo-push" in live.tasks("STOPPED")[-1]["stoppedReason"], "refused")


def test_a_secret_without_the_key_keeps_tasks_from_starting(live: _Live) -> None:
    secrets = [{"name": "DATABASE_URL", "valueFrom": f"{live.secret}:URL::"}]
    live.create(define(live, "green", secrets=secrets), desiredCount=1)
    live.until(lambda: live.tasks("STOPPED"), "stopped")
    assert "did not contain json key URL" in live.tasks("STOPPED")[0]["stoppedReason"]


# Load balancers


def test_targets_are_checked_as_their_group_says(live: _Live, tmp_path: Path) -> None:
    live.aws.elbv2.modify_target_group(TargetGroupArn=live.group, HealthCheckPath="/health")
    running(live)
    assert live.health() == ["healthy", "healthy"]
    (tmp_path / "ill").touch()

    def reasons() -> set[str | None]:
        told = live.aws.elbv2.describe_target_health(TargetGroupArn=live.group)["TargetHealthDescriptions"]
        return {entry["TargetHealth"].get("Description") for entry in told}

    live.until(lambda: "Health checks failed with these codes: [503]" in reasons(), "unhealthy")
    live.update(healthCheckGracePeriodSeconds=0)
    live.until(lambda: any("failed ELB health checks" in t["stoppedReason"] for t in live.tasks("STOPPED")), "stopped")
    (tmp_path / "ill").unlink()
    live.update(healthCheckGracePeriodSeconds=60)
    live.until(lambda: live.health().count("healthy") == 2, "healthy again")


def test_an_app_that_listens_elsewhere_is_not_healthy(live: _Live) -> None:
    live.create(define(live, "green", environment=[{"name": "PORT", "value": "9000"}]), desiredCount=1)
    live.until(lambda: live.health() == ["unhealthy"], "unhealthy")
    assert status_of(live.url) in {502, 503}


def test_a_listener_redirects(live: _Live) -> None:
    redirect = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    net = network(live.aws, "other")
    arn = balancer(live.aws, "other", net)
    live.aws.elbv2.create_listener(LoadBalancerArn=arn, Port=80, Protocol="HTTP", DefaultActions=[redirect])
    [found] = live.aws.elbv2.describe_load_balancers(LoadBalancerArns=[arn])["LoadBalancers"]

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            return None

    opener = urllib.request.build_opener(NoRedirect)

    def moved() -> str:
        try:
            opener.open(f"http://{found['DNSName']}/a?b=c", timeout=5)
        except urllib.error.HTTPError as answer:
            return f"{answer.code} {answer.headers['Location']}"
        except OSError:
            return ""
        return ""

    assert wait_until(lambda: bool(moved()), PATIENCE)
    assert moved() == "301 https://127.0.0.1:443/a?b=c"


def test_a_load_balancer_answers_only_whom_its_scheme_and_its_groups_let_in(live: _Live) -> None:
    """This machine is 127.0.0.1: part of the internet in a rule for everybody, and no part of the VPC."""
    answer = {"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"}}
    net = network(live.aws, "doors")
    listener = {"Port": 80, "Protocol": "HTTP", "DefaultActions": [answer]}

    def answers(name: str) -> bool:
        [row] = live.aws.elbv2.describe_load_balancers(Names=[name])["LoadBalancers"]
        try:
            with socket.create_connection(tuple(row["DNSName"].split(":")), timeout=5):
                return True
        except OSError:
            return False

    blocks = {"everybody": "0.0.0.0/0", "others": "203.0.113.0/24", "vpc": "10.0.0.0/16"}
    for name, block in blocks.items():
        group = live.aws.ec2.create_security_group(VpcId=net.vpc, GroupName=name, Description=name)["GroupId"]
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": block}]}
        live.aws.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
        arn = live.aws.elbv2.create_load_balancer(
            Name=name,
            Subnets=net.subnets,
            SecurityGroups=[group],
            Scheme="internal" if name == "vpc" else "internet-facing",
        )["LoadBalancers"][0]["LoadBalancerArn"]
        live.aws.elbv2.create_listener(LoadBalancerArn=arn, **listener)
    assert wait_until(lambda: answers("everybody"), PATIENCE)
    assert not answers("others")
    assert not answers("vpc")
    [row] = live.aws.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["others"]}])[
        "SecurityGroups"
    ]
    here = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "127.0.0.1/32"}]}
    live.aws.ec2.authorize_security_group_ingress(GroupId=row["GroupId"], IpPermissions=[here])
    assert wait_until(lambda: answers("others"), PATIENCE)


@pytest.mark.parametrize("scheme", ["internet-facing", "internal"])
def test_targets_are_checked_whomever_their_load_balancer_lets_in(live: _Live, scheme: str) -> None:
    """AWS asks the targets themselves; that this machine is not let in keeps no service from becoming steady."""
    ec2, elbv2, net = live.aws.ec2, live.aws.elbv2, live.net
    doors = ec2.create_security_group(VpcId=net.vpc, GroupName="doors", Description="of a test")["GroupId"]
    block = "203.0.113.0/24" if scheme == "internet-facing" else "10.0.0.0/16"
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": block}]}
    ec2.authorize_security_group_ingress(GroupId=doors, IpPermissions=[rule])
    within = {"IpProtocol": "tcp", "FromPort": 8000, "ToPort": 8000, "UserIdGroupPairs": [{"GroupId": doors}]}
    ec2.authorize_security_group_ingress(GroupId=net.group, IpPermissions=[within])
    elbv2.delete_load_balancer(LoadBalancerArn=live.balancer)
    [made] = elbv2.create_load_balancer(Name="doors", Subnets=net.subnets, SecurityGroups=[doors], Scheme=scheme)[
        "LoadBalancers"
    ]
    live.balancer = made["LoadBalancerArn"]
    listen(live.aws, live.balancer, live.group)
    running(live)
    assert live.health() == ["healthy", "healthy"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(tuple(made["DNSName"].split(":")), timeout=5)


# The process


def test_nothing_is_left_running(tmp_path: Path) -> None:
    """Killed, a test AWS leaves its processes behind; the next one in the same folder ends them, and closes its own."""
    ready, plane = tmp_path / "ready", tmp_path / "plane"

    def begin() -> tuple[subprocess.Popen[bytes], int]:
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "missyou_local.aws", "--ready-file", str(ready), "--data-plane", str(plane)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        assert wait_until(ready.exists, PATIENCE)
        remote = Aws(type("Remote", (), {"url": ready.read_text().strip(), "timing": FAST})(), time.time)  # type: ignore[arg-type]
        database(remote, "db", DBName="missyou")
        available(remote)
        [record] = (plane / "databases").glob("*.json")
        return process, int(json.loads(record.read_text())["pid"])

    killed, left = begin()
    killed.kill()
    killed.wait()
    assert start_time(left) is not None
    stopped, closed = begin()
    assert wait_until(lambda: start_time(left) is None, PATIENCE)
    stopped.terminate()
    assert stopped.wait(PATIENCE) == 0
    assert start_time(closed) is None
