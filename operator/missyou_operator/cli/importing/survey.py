"""What each resource that exists is called in a stack, and the spec that describes it as it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from missyou_operator.api.kind import GROUP, KIND, VERSION
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.cli.importing.facts import Facts
from missyou_operator.cli.importing.matching import matched
from missyou_operator.cli.importing.notes import Note
from missyou_operator.cli.importing.recover import from_tags, owner
from missyou_operator.cli.importing.spec import spec_of
from missyou_operator.cli.importing.subnets import Subnets

#: What a name of the old stack ends in, by what it names: what is left is the name of the stack.
_ENDINGS = (("clusterArn", "-cluster"), ("serviceName", "-service"))


@dataclass(slots=True)
class Survey:
    """What was found.

    `body`: the MissYouApp. `known`: the names of what becomes the stack's, by type and ID. `used`: ARNs of what the
    stack uses, and that stays somebody else's. `notes`: what does not fit. `obstacles`: what has to be done first.
    `former`: whether it is a stack that an operator made.
    """

    body: dict[str, Any]
    known: dict[str, dict[str, str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    notes: list[Note] = field(default_factory=list)
    obstacles: list[Note] = field(default_factory=list)
    former: bool = False


def survey(  # noqa: PLR0913 - what a person chooses, and where it is
    facts: Facts, *, namespace: str, name: str, environment: str, region: str, account: str, former: bool = False
) -> Survey:
    """Describe what exists as a MissYouApp. `name` is its own, "" for one that follows from the names in AWS.

    `former`: its tags name the MissYouApp that it was.
    """
    stack_name = suggested_name(facts)
    if former:
        namespace, _, name = owner(facts.vpc).partition("/")
    name = name or stack_name
    prefix = stack_name if former else name
    subnets = Subnets.of(facts)
    found = _Naming(facts, subnets, StackIdentity(prefix, f"{namespace}/{name}", "", account, region, ""))
    spec, notes, used = spec_of(facts, subnets, environment, region, f"{prefix}/" if former else "")
    if former:
        spec |= from_tags(facts.vpc)
        # It was the default, unless somebody has chosen another, which then shows as a difference.
        del spec["database"]["sslMode"]
    if prefix != name:
        spec["stackName"] = prefix
    existing: dict[str, Any] = {}
    if names := found.names():
        existing["names"] = names
    if (blocks := subnets.unusual(str(facts.vpc["CidrBlock"]))) is not None:
        existing["subnets"] = blocks
    body = {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "annotations": {f"{GROUP}/take-over": "true"},
        },
        "spec": {**spec, **({"existing": existing} if existing else {})},
    }
    return Survey(body, found.known, used, [*notes, *subnets.notes], list(_obstacles(facts, subnets)), former)


def suggested_name(facts: Facts) -> str:
    """Return the name of the old stack: what the names of cluster and service begin with."""
    for key, ending in _ENDINGS:
        name = str(facts.service[key]).rpartition("/")[2]
        if name.endswith(ending) and name != ending:
            return name.removesuffix(ending).lower()
    return str(facts.service["serviceName"]).lower()


def _obstacles(facts: Facts, subnets: Subnets) -> Iterator[Note]:
    """Yield what keeps a stack from being moved in."""
    yield from subnets.obstacles
    database = facts.database["DBInstanceIdentifier"]
    if not facts.credentials:
        yield Note(
            "the service takes DATABASE_URL from no secret of Secrets Manager",
            "store username, password and DATABASE_URL as JSON in a secret, and name it in the task definition "
            "(secrets, valueFrom ARN:DATABASE_URL::)",
        )
    elif "password" not in facts.credential_keys:
        name = facts.credentials["Name"]
        yield Note(
            f"the secret {name} is not JSON with the key password: the operator would not know the database's",
            f"add it: aws secretsmanager put-secret-value --secret-id {name} --secret-string file://credentials.json, "
            "with the present keys and password",
        )
    if facts.database.get("MasterUserSecret"):
        yield Note(
            f"RDS manages the password of {database} by itself, and rotates it",
            f"set one of your own, and store it in the service's secret: aws rds modify-db-instance "
            f"--db-instance-identifier {database} --no-manage-master-user-password --master-user-password VALUE "
            "--apply-immediately",
        )
    if facts.database.get("DBClusterIdentifier"):
        yield Note(
            f"{database} is part of a cluster, and a MissYouApp has one instance", "move its data to an instance"
        )


class _Naming:
    """Finds out which of a stack's resources each one is: `names` that differ from ours, and `known` by type and ID."""

    def __init__(self, facts: Facts, subnets: Subnets, stack: StackIdentity) -> None:
        self._stack, self._names = stack, dict[str, str]()
        self.known: dict[str, dict[str, str]] = {}
        for type_, pattern, chosen, id_, name in matched(facts, subnets):
            default = stack.fill(pattern, chosen)
            taken = name in self.known.get(type_, {}).values()
            # Names in EC2 are tags: two may be alike, and then one gets its own.
            real = default if not name or (taken and type_.startswith("ec2.")) else name
            if id_ in self.known.get(type_, {}):
                continue
            self.known.setdefault(type_, {})[id_] = real
            if real != default and (key := getattr(pattern, "key", "").replace("*", chosen)):
                self._names[key] = real

    def names(self) -> dict[str, str]:
        return self._names
