"""What ECS's texts and exit codes mean, and the command that helps, as data. Pure.

A word in capitals in a command (TAG, PORT, ARN) stands for what only a person knows.

ECS reports causes in prose; the table knows the phrases. Sources: ECS developer guide, "Stopped tasks error messages",
"CannotPullContainer task errors" and "Service event messages"; ELBv2 API reference, TargetHealth; Docker Docs, "Docker
Hub usage and limits"; Secrets Manager API reference, GetSecretValue.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from missyou_operator.api.conditions import Reason
from missyou_operator.api.fargate import SIZES
from missyou_operator.api.kind import KIND

_ARN = re.compile(r"arn:[\w-]+:secretsmanager:[\w-]+:\d+:secret:[\w/+=.@-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Whose tasks they are, for the commands. `cpu` and `memory` are the failed task's, 0 where they are not known."""

    app: str = ""
    namespace: str = ""
    stack: str = ""
    cluster: str = ""
    service: str = ""
    region: str = ""
    image: str = ""
    cpu: int = 0
    memory: int = 0

    def patch(self, **spec: Any) -> str:
        """Return the kubectl command that changes the spec."""
        text = json.dumps({"spec": spec}, separators=(",", ":"))
        return f"kubectl patch {KIND.lower()} {self.app} -n {self.namespace} --type merge -p '{text}'"

    def reconcile(self) -> str:
        """Return the kubectl command that has the operator put right what others changed in AWS."""
        value = 'missyou.app/reconcile="$(date +%s)"'
        return f"kubectl annotate {KIND.lower()} {self.app} -n {self.namespace} --overwrite {value}"

    def aws(self, command: str) -> str:
        """Return a command of the AWS CLI in the stack's region."""
        return f"aws {command} --region {self.region}"


#: Makes a command of a place and of ECS's text; "" where there is none.
Command = Callable[[Place, str], str]


def _reconcile(place: Place, _: str) -> str:
    return place.reconcile()


def _tag(place: Place, _: str) -> str:
    return place.patch(image={"tag": "TAG"})


def _copy(place: Place, _: str) -> str:
    return f"docker buildx imagetools create {place.image or 'IMAGE'} --tag REPOSITORY:TAG"


def _rebuild(place: Place, _: str) -> str:
    return f"docker buildx build --platform linux/amd64 --push --tag {place.image or 'IMAGE'} ."


def _restore_secret(place: Place, text: str) -> str:
    return place.aws(f"secretsmanager restore-secret --secret-id {_secret(text)}")


def _secret_policy(place: Place, text: str) -> str:
    return place.aws(f"secretsmanager get-resource-policy --secret-id {_secret(text)}")


def _secret(text: str) -> str:
    found = _ARN.search(text)
    return found[0].rstrip(".") if found else "ARN"


def _fewer(place: Place, _: str) -> str:
    return place.patch(service={"replicas": {"max": "N"}}).replace('"N"', "N")


def _health_path(place: Place, _: str) -> str:
    return place.patch(service={"healthCheck": {"path": "/PATH"}})


def _port(place: Place, _: str) -> str:
    return place.patch(service={"port": "PORT"}).replace('"PORT"', "PORT")


def _vcpus(place: Place, _: str) -> str:
    return place.aws(
        "service-quotas request-service-quota-increase --service-code fargate --quota-code L-3032A538 --desired-value N"
    )


def more_memory(place: Place, _: str = "") -> str:
    """Return the command that gives tasks the next larger memory that Fargate offers."""
    larger = sorted(
        (cpu, memory)
        for cpu, memories in SIZES.items()
        for memory in memories
        if cpu >= place.cpu and memory > place.memory
    )
    if not larger:
        return ""
    cpu, memory = larger[0]
    return place.patch(service={"cpu": cpu, "memory": memory} if cpu != place.cpu else {"memory": memory})


def _smaller(place: Place, _: str) -> str:
    smaller = [cpu for cpu in SIZES if cpu < place.cpu]
    if not smaller:
        return place.aws(
            f"ecs update-service --cluster {place.cluster} --service {place.service} --force-new-deployment"
        )
    cpu = smaller[-1]
    return place.patch(service={"cpu": cpu, "memory": min(SIZES[cpu])})


@dataclass(frozen=True, slots=True)
class Known:
    """One cause that is known by AWS's words: the reason, what to do, and the command that does it."""

    pattern: re.Pattern[str]
    reason: str
    advice: str
    command: Command | None = None


def _known(pattern: str, reason: str, advice: str, command: Command | None = None) -> Known:
    return Known(re.compile(pattern, re.IGNORECASE | re.DOTALL), reason, advice, command)


FAILING = Reason.TASKS_FAILING
_NETWORK = (
    "The tasks cannot reach AWS: check the NAT gateways, the app subnets' routes and the ECS security group's egress. "
    "The operator puts back what others took away"
)
_NOT_PUBLIC = (
    "The registry does not let this account pull it: an ECR repository of another account has to allow it "
    "ecr:BatchGetImage and ecr:GetDownloadUrlForLayer (aws ecr set-repository-policy, there); from a registry with a "
    "password, copy the image into the stack's own repository"
)
#: The first match counts.
KNOWN: tuple[Known, ...] = (
    _known(
        r"toomanyrequests|pull rate limit|429 Too Many Requests",
        FAILING,
        "The registry limits anonymous pulls by address, and all tasks share those of the NAT gateways: copy the image "
        "into the stack's own repository (status.outputs.ecrRepositoryURL) and remove spec.image.repository",
        _copy,
    ),
    _known(
        r"CannotPull.*(i/o timeout|deadline exceeded|connection refused|connection reset|no such host)",
        FAILING,
        _NETWORK,
        _reconcile,
    ),
    _known(
        r"CannotPull.*(no matching manifest|(matching|specified) platform)|exec format error",
        FAILING,
        "The image is for another architecture: build it for linux/amd64",
        _rebuild,
    ),
    _known(
        r"permissions boundary",
        Reason.ACCESS_DENIED,
        "The roles' permissions boundary does not allow it: see missyou iam-policy --boundary --help",
    ),
    _known(
        r"CannotPull.*(no basic auth|pull access denied|may require|403 Forbidden|not authorized)",
        Reason.IMAGE_NOT_FOUND,
        _NOT_PUBLIC,
        _copy,
    ),
    _known(
        r"CannotPull.*(not found|manifest unknown|does not exist)",
        Reason.IMAGE_NOT_FOUND,
        "Push the image under that tag, or correct spec.image",
        _tag,
    ),
    _known(r"CannotPull", Reason.IMAGE_NOT_FOUND, "Check spec.image and that the execution role may pull it", _tag),
    _known(
        r"AccessDenied.*(secretsmanager|kms|ssm)|(secretsmanager|kms).*not authorized",
        Reason.ACCESS_DENIED,
        "A task may not read a secret: check its own policy and its KMS key's (the execution role's allows it)",
        _secret_policy,
    ),
    _known(
        r"secretsmanager.*(marked|scheduled) for deletion|secret.*because it was marked for deletion",
        FAILING,
        "The secret is scheduled for deletion: restore it",
        _restore_secret,
    ),
    _known(
        r"ResourceNotFoundException.*secret|can't find the specified secret",
        FAILING,
        "A secret was deleted or replaced: check the ARNs in spec.secrets (the stack's own are restored)",
        _reconcile,
    ),
    _known(
        r"did not contain json key",
        FAILING,
        "Add that key to the secret's JSON value",
        lambda place, text: place.aws(
            f"secretsmanager put-secret-value --secret-id {_secret(text)} --secret-string JSON"
        ),
    ),
    _known(
        r"ResourceInitializationError.*(i/o timeout|deadline exceeded|connection|unable to pull secrets)",
        FAILING,
        _NETWORK,
        _reconcile,
    ),
    _known(
        r"validate logger args|log group does not exist",
        FAILING,
        "The tasks' log group is missing: the next pass creates it again",
        _reconcile,
    ),
    _known(
        r"failed ELB health checks|is unhealthy in \(?target-group",
        FAILING,
        "The app must answer 200 on spec.service.healthCheck.path at spec.service.port of 0.0.0.0; see its log",
        _health_path,
    ),
    _known(r"failed container health checks", FAILING, "The image's HEALTHCHECK fails; see the app's log"),
    _known(
        r"network interface provisioning|RESOURCE:ENI|insufficient.*addresses|no.*free.*addresses",
        FAILING,
        "A subnet is out of addresses, or EC2 has trouble: fewer replicas need fewer addresses",
        _fewer,
    ),
    _known(
        r"Capacity is unavailable",
        FAILING,
        "Fargate has no capacity in a zone at the moment; ECS keeps trying, and smaller tasks fit in sooner",
        _smaller,
    ),
    _known(
        r"limit on the number of vCPUs|vCPU.*limit",
        Reason.QUOTA_EXCEEDED,
        "Request a higher Fargate vCPU quota, or lower spec.service.cpu or spec.service.replicas",
        _vcpus,
    ),
    _known(
        r"unable to assume the role",
        Reason.ACCESS_DENIED,
        "A role of the tasks must trust ecs-tasks.amazonaws.com; a new role takes a minute to propagate",
        _reconcile,
    ),
    _known(r"unsupported.*(zone|AZ)", FAILING, "Fargate is not available in that zone: choose others in a new stack"),
)

#: Exit code -> what it means.
EXITS: Mapping[int, str] = {
    0: "The app exited by itself, but a service must keep running; see its log",
    125: "The container could not be started: check the image's entry point and command",
    126: "The image's entry point or command is not executable",
    127: "The image's entry point or command was not found in it",
    134: "The app aborted; see its log",
    137: "The app was killed: it used more than spec.service.memory, or did not stop in time; see its log",
    139: "The app crashed (segmentation fault); see its log",
    143: "The app was told to stop",
}
LOG = "See the app's log for why it stopped"
MORE_MEMORY = "Raise spec.service.memory, or find why the app needs more"

_SLOW = (
    "The app does not answer in time: it is slow, or the ECS security group does not admit the load balancer. The "
    "operator puts back a rule that others took away"
)
#: Reason of an unhealthy target -> advice and command.
TARGETS: Mapping[str, tuple[str, Command | None]] = {
    "Target.ResponseCodeMismatch": ("The app must answer 200 on spec.service.healthCheck.path", _health_path),
    "Target.Timeout": (_SLOW, _reconcile),
    "Target.FailedHealthChecks": (
        "Nothing answers at spec.service.port: the app must listen there on 0.0.0.0",
        _port,
    ),
    "Target.NotInUse": (
        "The target group is not used by a listener, or a zone is not enabled on the load balancer",
        _reconcile,
    ),
    "Target.IpUnusable": ("An address of a task cannot be used as a target", None),
}
STOPPED_BY_HAND = "Somebody stops its tasks by hand. ECS starts others by itself; to see who it is"


def who_stops(place: Place, _: str = "") -> str:
    """Return the command that shows who stopped tasks."""
    return place.aws("cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=StopTask")
