"""What the policies of the endpoints let through: the stack's own start, and no way out for what is in the VPC."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import pytest

from missyou_operator.stack.context import RunningVersion
from missyou_operator.stack.lookups import Lookups
from tests.stack.specs import PLAIN, STACK, graph

from .npm import HERE, installed, run

ACCOUNT, THIEF, REGION = STACK.account, "999999999999", STACK.region
STARTER = f"arn:aws:iam::{ACCOUNT}:role/missyou-{REGION}-execution"
APP = f"arn:aws:iam::{ACCOUNT}:role/missyou-{REGION}-task"
OTHER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/somebody"
THIEF_ROLE = f"arn:aws:iam::{THIEF}:role/thief"
#: ECR itself signs the link to a layer.
ECR_ITSELF = "arn:aws:iam::666666666666:role/ecr"
LAYERS = f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket"
LOG = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ecs/missyou:log-stream:app/app/1"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:missyou/db_credentials-AbCdEf"
IMAGES = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/missyou"


class Request(NamedTuple):
    """A request through one endpoint, by its service."""

    service: str
    principal: str
    action: str
    resource: str


NEEDED = (
    Request("s3", ECR_ITSELF, "s3:GetObject", f"{LAYERS}/layer"),
    *(Request(each, STARTER, "ecr:GetAuthorizationToken", "*") for each in ("ecr.api", "ecr.dkr")),
    *(Request(each, STARTER, "ecr:BatchGetImage", IMAGES) for each in ("ecr.api", "ecr.dkr")),
    Request("ecr.api", STARTER, "ecr:GetDownloadUrlForLayer", IMAGES),
    Request("ecr.dkr", STARTER, "ecr:BatchCheckLayerAvailability", IMAGES),
    Request("ecr.api", STARTER, "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:222222222222:repository/shared"),
    Request("logs", STARTER, "logs:CreateLogStream", LOG),
    Request("logs", STARTER, "logs:PutLogEvents", LOG),
    *(Request("secretsmanager", each, "secretsmanager:GetSecretValue", SECRET) for each in (STARTER, APP)),
)
#: What somebody tries who has taken over a task: to carry data out with credentials of an account of their own, and to
#: use the stack's network for what the stack does not do.
ATTACKS = (
    Request("s3", THIEF_ROLE, "s3:PutObject", "arn:aws:s3:::loot/dump"),
    Request("s3", THIEF_ROLE, "s3:GetObject", "arn:aws:s3:::loot/tools"),
    Request("s3", OTHER_ROLE, "s3:GetObject", "arn:aws:s3:::company-data/salaries"),
    Request("s3", OTHER_ROLE, "s3:PutObject", f"{LAYERS}/layer"),
    Request("ecr.api", THIEF_ROLE, "ecr:GetAuthorizationToken", "*"),
    Request("ecr.dkr", THIEF_ROLE, "ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{THIEF}:repository/tools"),
    Request("ecr.dkr", STARTER, "ecr:PutImage", IMAGES),
    Request("ecr.api", OTHER_ROLE, "ecr:DescribeRepositories", IMAGES),
    Request("logs", THIEF_ROLE, "logs:PutLogEvents", f"arn:aws:logs:{REGION}:{THIEF}:log-group:/loot:log-stream:1"),
    Request("logs", STARTER, "logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ecs/other:log-stream:1"),
    Request("logs", OTHER_ROLE, "logs:GetLogEvents", LOG),
    Request("secretsmanager", THIEF_ROLE, "secretsmanager:GetSecretValue", SECRET),
    Request("secretsmanager", OTHER_ROLE, "secretsmanager:GetSecretValue", SECRET),
    Request("secretsmanager", THIEF_ROLE, "secretsmanager:PutSecretValue", SECRET.replace(ACCOUNT, THIEF)),
    *(Request("secretsmanager", each, "secretsmanager:PutSecretValue", SECRET) for each in (STARTER, APP)),
    Request("logs", APP, "logs:PutLogEvents", LOG),
)


def policies(lookups: Lookups = PLAIN, **spec: Any) -> dict[str, Any]:
    """Return the policies of a stack's endpoints, by service."""
    built = graph(lookups, network={"endpoints": {"interfaces": True}}, **spec)
    found = [each for each in built if each.TYPE == "ec2.VpcEndpoint"]
    return {each.service.removeprefix(f"com.amazonaws.{REGION}."): each.policy for each in found}


def answers(policies: Mapping[str, Any], requests: Iterable[Request]) -> dict[Request, str]:
    asked = list(requests)
    rows = [
        {
            "policy": {"Version": "2012-10-17", **policies[each.service]},
            "principal": each.principal,
            "action": each.action,
            "resource": each.resource,
            "context": {"aws:PrincipalArn": each.principal, "aws:PrincipalAccount": each.principal.split(":")[4]},
        }
        for each in asked
    ]
    command = ["node", "--input-type=module", "--eval", (HERE / "simulate_endpoints.mjs").read_text()]
    done = run(command, installed(), json.dumps(rows))
    assert done.returncode == 0, done.stderr
    return dict(zip(asked, json.loads(done.stdout), strict=True))


@pytest.fixture(scope="module")
def own() -> dict[Request, str]:
    return answers(policies(), (*NEEDED, *ATTACKS))


@pytest.mark.parametrize("request_", NEEDED, ids=str)
def test_what_a_start_needs_gets_through(own: Mapping[Request, str], request_: Request) -> None:
    assert own[request_] == "Allowed"


@pytest.mark.parametrize("request_", ATTACKS, ids=str)
def test_what_an_intruder_tries_does_not(own: Mapping[Request, str], request_: Request) -> None:
    assert own[request_] == "ImplicitlyDenied"


def test_s3_is_open_only_while_an_image_comes_from_another_registry() -> None:
    """Such a registry may keep its layers in S3. The old version's counts until nothing runs it."""
    attack = ATTACKS[0]
    for given in (f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/other", f"222222222222.dkr.ecr.{REGION}.amazonaws.com/a"):
        assert answers(policies(image={"repository": given}), [attack])[attack] == "ImplicitlyDenied"
    assert answers(policies(image={"repository": "registry.example.com/app"}), [attack])[attack] == "Allowed"
    runs = Lookups(PLAIN.zones, running=RunningVersion(repositories=("registry.example.com/app",)))
    assert answers(policies(runs), [attack])[attack] == "Allowed"
