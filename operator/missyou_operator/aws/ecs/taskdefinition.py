"""The task definition: a family of numbered, immutable revisions. The newest ACTIVE one is what the stack wants to run.

Sources: ECS API reference, RegisterTaskDefinition; ECS developer guide, "Pass Secrets Manager secrets through
environment variables".
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud, pages
from missyou_operator.aws.ecs.answers import PASS_ROLES, ecs_tags, refusals_as_waits, retag, tags_of, without_values
from missyou_operator.aws.ecs.effects import TASK_DEFINITION
from missyou_operator.aws.ecs.hardening import container
from missyou_operator.aws.ecs.revisions import CONTAINER, TAG_LABEL, attributes, described, family_of, revision_of
from missyou_operator.aws.errors import gone, quoted
from missyou_operator.aws.informer import SLOW
from missyou_operator.aws.permissions import Grant, Part, change, make, observe, tag_new
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import compare
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed, Resource
from missyou_operator.engine.values import Ref, is_known

logger = logging.getLogger(__name__)

#: Tag of a revision: a hash of everything that defines it, including the versions of the secrets.
SPEC_TAG = "missyou.app/spec"
#: How many revisions stay ACTIVE, so that ECS or a person can roll back to one of them.
_KEPT_REVISIONS = 5
_FAMILY = "ecs:task-definition/{ecs.TaskDefinition}:*"


@dataclass(frozen=True, kw_only=True)
class TaskDefinition(Resource):
    """A family and its newest revision. Every change registers another revision, with another `arn`.

    `cpu` is in units (1024 to a vCPU), `memory` in MiB. With `image_digest`, the revision names the image by its
    digest, and no later task can run another, whatever becomes of the tag. `hardened`: see `aws.ecs.hardening`;
    `read_only_root` leaves /tmp writable. `secrets` maps a variable to the ARN of a secret and the key in
    its JSON ("" for the whole value). Tasks read secrets only when they start, so `secret_versions` is part of the
    definition: a new version means a new revision, hence a rollout.
    """

    TYPE: ClassVar[str] = "ecs.TaskDefinition"
    IDENTITY = "id"
    COMPARED = compare(
        "container",
        "cpu",
        "memory",
        "execution_role_arn",
        "task_role_arn",
        "image_repository",
        "image_tag",
        "image_digest",
        "hardened",
        "read_only_root",
        "port",
        "environment",
        "secrets",
        "log_group",
        "region",
        "secret_versions",
    )
    # People write secrets into it: the operator shows names, never values, whoever set them.
    CONFIDENTIAL: ClassVar[frozenset[str]] = frozenset({"environment"})
    CHANGES_ON_UPDATE: ClassVar[frozenset[str]] = frozenset({"arn", "id", "revision"})
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service",)
    EFFECTS = TASK_DEFINITION
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("ecs:DescribeTaskDefinition", "ecs:ListTaskDefinitions"),
        observe("ecs:DescribeServices", on=("ecs:service/{ecs.Cluster}/{ecs.Service}",)),
        make("ecs:RegisterTaskDefinition", on=(_FAMILY,)),
        tag_new("ecs:TagResource", "RegisterTaskDefinition", on=(_FAMILY,)),
        change("ecs:TagResource", "ecs:UntagResource", on=(_FAMILY,)),
        # AWS can restrict it neither by name nor by tag.
        Grant(Part.CHANGE, ("ecs:DeregisterTaskDefinition",)),
        PASS_ROLES,
    )

    container: str = CONTAINER
    cpu: int
    memory: int
    execution_role_arn: str | Ref
    task_role_arn: str | Ref
    image_repository: str | Ref
    image_tag: str
    image_digest: str | Ref = ""
    hardened: bool = False
    read_only_root: bool = False
    port: int
    environment: Mapping[str, str]
    secrets: Mapping[str, tuple[str | Ref, str]]
    secret_versions: tuple[str | Ref, ...]
    log_group: str | Ref
    region: str

    @classmethod
    def read(cls, reader: Reader) -> Sequence[Observed]:
        """Read our newest ACTIVE revision of the family.

        Others may register one in it, by hand or from a pipeline: the service then has to go back to ours. A family
        without any revision of ours is foreign.
        """
        family = reader.name(cls.TYPE)
        newest = cls._describe(reader, family)
        if newest is None or newest.owned:
            return [] if newest is None else [newest]
        which = {"familyPrefix": family, "status": "ACTIVE", "sort": "DESC", "maxResults": _KEPT_REVISIONS * 2}
        arns = reader.detail(SLOW, "ecs", "list_task_definitions", **which)["taskDefinitionArns"]
        older = (cls._describe(reader, arn) for arn in arns if family_of(arn) == family)
        return [next((found for found in older if found is not None and found.owned), newest)]

    @classmethod
    def _describe(cls, reader: Reader, reference: str) -> Observed | None:
        """Describe a revision, or the newest ACTIVE one of a family."""
        fetch = partial(described, reader.client("ecs"), reference)
        answer = reader.computed(SLOW, f"ecs.describe_task_definition/{reference}", fetch)
        if answer is None:
            return None
        row = answer["taskDefinition"]
        if row.get("status", "ACTIVE") != "ACTIVE":
            return None
        attrs, tags = attributes(row, reader.name("ecs.Container")), tags_of(answer.get("tags"))
        return reader.observed(cls, reader.name(cls.TYPE), attrs["arn"], attrs, tags, "ACTIVE")

    @property
    def image(self) -> str:
        """Return the image reference, by digest where it is known, else by tag.

        ECS takes either, not both. Source: ECS API reference, ContainerDefinition, image.
        """
        if self.image_digest:
            return f"{self.image_repository}@{self.image_digest}"
        return f"{self.image_repository}{'@' if self.image_tag.startswith('sha256:') else ':'}{self.image_tag}"

    def matches(self, name: str, observed: Observed) -> bool:
        """Compare the versions of secrets by the hash, since a revision does not show them.

        A hash that differs counts as their change only if no other field differs. One that somebody has removed is set
        again: there is nothing to roll out.
        """
        if name != "secret_versions":
            return super().matches(name, observed)
        return observed.tags.get(SPEC_TAG, self.spec_hash()) == self.spec_hash() or any(
            not is_known(getattr(self, other)) or not super(TaskDefinition, self).matches(other, observed)
            for other in self.COMPARED
            if other != "secret_versions"
        )

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Compare, and demand the hash."""
        changes = super().diff(observed)
        if changes or SPEC_TAG in observed.tags:
            return changes
        return (FieldChange("tags", "(none)", SPEC_TAG),)

    def spec_hash(self) -> str:
        """Return the hash, in 64 hex digits, of everything that defines a revision."""
        text = json.dumps({name: getattr(self, name) for name in self.COMPARED}, sort_keys=True, default=repr)
        return hashlib.sha256(text.encode()).hexdigest()

    def request(self) -> dict[str, Any]:
        """Return the arguments of the call that registers a revision."""
        return {
            "family": self.name,
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
            "cpu": str(self.cpu),
            "memory": str(self.memory),
            "executionRoleArn": self.execution_role_arn,
            **({"taskRoleArn": self.task_role_arn} if self.task_role_arn else {}),
            "containerDefinitions": [
                {
                    "name": self.container,
                    "image": self.image,
                    **({"dockerLabels": {TAG_LABEL: self.image_tag}} if self.image_digest else {}),
                    "essential": True,
                    **container(hardened=self.hardened, read_only_root=self.read_only_root),
                    "portMappings": [{"containerPort": self.port, "protocol": "tcp"}],
                    "environment": [{"name": key, "value": value} for key, value in sorted(self.environment.items())],
                    "secrets": [
                        {"name": key, "valueFrom": f"{arn}:{json_key}::" if json_key else arn}
                        for key, (arn, json_key) in sorted(self.secrets.items())
                    ],
                    "logConfiguration": {
                        "logDriver": "awslogs",
                        "options": {
                            "awslogs-group": self.log_group,
                            "awslogs-region": self.region,
                            "awslogs-stream-prefix": CONTAINER,
                            # Throttled logging must not stop the app; the default depends on the account.
                            "mode": "non-blocking",
                        },
                    },
                }
            ],
            "tags": ecs_tags(self._all_tags()),
        }

    def create(self, cloud: Cloud) -> Observed:
        """Register the first revision (or the next one, if a stack of this name existed before)."""
        arn = self._register(cloud)
        return replace(self.as_created(arn, "ACTIVE", **self._attrs_of(arn)), tags=self._all_tags())

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Register another revision; if only tags changed, tag the current one."""
        if changed == {"tags"}:
            marked = replace(self, tags=self._all_tags()) if SPEC_TAG not in observed.tags else self
            retag(cloud, marked, observed)
            return marked.as_desired(observed)
        arn = self._register(cloud)
        _retire(cloud, arn)
        updated = self.as_desired(observed, id=arn, **self._attrs_of(arn))
        return replace(updated, id=arn, tags={**updated.tags, **self._all_tags()})

    def _register(self, cloud: Cloud) -> str:
        with without_values(self.environment), refusals_as_waits(self.address):
            answer = cloud.client("ecs").register_task_definition(**self.request())
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def _attrs_of(self, arn: str) -> dict[str, Any]:
        return {"arn": arn, "revision": revision_of(arn), "image": self.image}

    def _all_tags(self) -> dict[str, str]:
        return {**self.tags, SPEC_TAG: self.spec_hash()}

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Deregister our revisions of the family; AWS keeps INACTIVE ones, at no cost. Those of others stay."""
        ecs = cloud.client("ecs")
        arns = pages(ecs, "list_task_definitions", "taskDefinitionArns", familyPrefix=observed.name, status="ACTIVE")
        for arn in arns:
            if family_of(arn) == observed.name and (arn == observed.id or _is_ours(cloud, arn)):
                gone(lambda arn=arn: ecs.deregister_task_definition(taskDefinition=arn))  # type: ignore[misc]
        return READY


def _is_ours(cloud: Cloud, revision: str) -> bool:
    """Return whether the tags of a revision are ours: anybody may register one in the family."""
    answer = cloud.client("ecs").describe_task_definition(taskDefinition=revision, include=["TAGS"])
    return cloud.stack.owns(tags_of(answer.get("tags")))


def _retire(cloud: Cloud, newest: str) -> None:
    """Deregister the one revision that is now older than the kept ones, unless the service still runs it.

    A failure is left to the deletion of the stack: it must not hide that a revision was just registered.
    """
    family, number = newest.rpartition(":")[0], revision_of(newest) - _KEPT_REVISIONS
    if number < 1:
        return
    ecs, old = cloud.client("ecs"), f"{family}:{number}"
    try:
        answer = ecs.describe_services(cluster=cloud.name("ecs.Cluster"), services=list(cloud.names("ecs.Service")))
        running = {item["taskDefinition"] for row in answer["services"] for item in row.get("deployments", ())}
        if old not in running and _is_ours(cloud, old):
            ecs.deregister_task_definition(taskDefinition=old)
    except ClientError as error:
        logger.info("revision %s stays registered: %s", old, quoted(error))
