"""The model of `status`: what people, scripts, Argo CD and Flux read.

No field ticks: a status write makes GitOps tools look again, so only news belong here.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import UTC
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, PlainSerializer

from missyou_operator.api.base import WireModel

#: metav1.Condition's own bound; the API server refuses the whole status write beyond it.
MESSAGE_MAX = 32768

Message = Annotated[
    str,
    # What AWS or a task had to say may be long: cut it rather than lose the write.
    BeforeValidator(lambda text: text[: MESSAGE_MAX - 1] + "…" if len(text) > MESSAGE_MAX else text),
    Field(max_length=MESSAGE_MAX),
]
Time = Annotated[
    AwareDatetime,
    Field(strict=False),
    PlainSerializer(lambda time: time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str),
]
Count = Annotated[int, Field(ge=0)]


class StatusModel(WireModel):
    """A part of `status`. Unknown fields are dropped: another version of the operator may have written them."""

    model_config = ConfigDict(extra="ignore")


class Condition(StatusModel):
    """One aspect of the state, as metav1.Condition."""

    type: Annotated[str, Field(max_length=316, pattern="^[A-Z][A-Za-z0-9]*$")]
    """What is judged: Ready, Reconciling, Stalled, InSync, NetworkReady, DatabaseReady and so on."""
    status: Literal["True", "False", "Unknown"]
    """Whether it holds."""
    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Why, in one CamelCase word that a script can match."""
    message: Message = ""
    """Why, for a person: what is wrong, in which resource, and what to do."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of spec that this was judged for."""
    last_transition_time: Time
    """When status last changed."""


class Outputs(StatusModel):
    """What other tools need to know of the stack."""

    alb_url: Annotated[str | None, Field(alias="albURL")] = None
    """URL of the load balancer."""
    rds_endpoint: str | None = None
    """Host and port of the database."""
    ecr_repository_url: str | None = None
    """Where images are pushed to."""
    certificate_arn: str | None = None
    """ARN of the certificate that HTTPS is served with."""
    region: str | None = None
    """AWS region of the stack."""
    vpc_id: str | None = None
    """ID of the VPC."""
    ecs_cluster: str | None = None
    """Name of the ECS cluster."""
    ecs_service: str | None = None
    """Name of the ECS service."""
    log_group: str | None = None
    """Log group of the tasks."""
    access_log_bucket: str | None = None
    """Name of the bucket with the load balancer's access logs."""
    database_engine_version: str | None = None
    """PostgreSQL version that runs, which may be newer than spec.database.engineVersion."""
    snapshot_arn: Annotated[str | None, Field(alias="snapshotARN")] = None
    """ARN of the snapshot that the annotation missyou.app/snapshot asks for, once it is complete."""


class ResourceStatus(StatusModel):
    """One AWS resource of the stack."""

    component: str
    """Part of the stack that it belongs to: Network, Database and so on."""
    type: str
    """Kind of resource."""
    name: str
    """Its name."""
    id: str = ""
    """Its ARN or ID; empty while it does not exist."""
    state: str = ""
    """Its state in one word."""
    message: str = ""
    """What there is to say about it, for a person."""


class PlannedChange(StatusModel):
    """One change that the operator wants to make."""

    action: Literal["Create", "Update", "Replace", "Delete"]
    """What would be done."""
    resource: str
    """To which resource, by type and name."""
    fields: tuple[str, ...] = Field(default=(), strict=False)
    """What differs."""
    destroys_data: bool = False
    """Whether data would be lost."""


USD = Annotated[str, Field(max_length=32, pattern=r"^[+-]?[0-9]+[.][0-9]{2}$")]


class ComponentCost(StatusModel):
    """What one component is estimated to cost."""

    component: str
    """Part of the stack: Network, Database and so on."""
    monthly_usd: USD
    """US dollars a month."""


class Cost(StatusModel):
    """What the stack is estimated to cost, at its lower bound of replicas; see docs/cost.md for what is assumed."""

    monthly_usd: USD | None = None
    """US dollars a month; absent where anything has no price."""
    components: tuple[ComponentCost, ...] = Field(
        default=(), strict=False, exclude_if=operator.not_, json_schema_extra={"map-key": "component"}
    )
    """The parts that it is the sum of."""
    prices_from: str | None = None
    """The day of the oldest price that was used, such as 2026-08-31."""
    not_priced: tuple[str, ...] = Field(default=(), strict=False, exclude_if=operator.not_)
    """What has no price in the operator's table for this region."""


class PlannedCost(StatusModel):
    """What the stack is estimated to cost after the changes."""

    monthly_usd: USD
    """US dollars a month, of what has a price."""
    difference_usd: USD
    """How much more or less a month than now."""


class PlanStatus(StatusModel):
    """Changes that are pending or wait for approval."""

    id: str
    """Hash of the changes. To approve them, write it into the annotation missyou.app/approve."""
    changes: tuple[PlannedChange, ...] = Field(default=(), strict=False)
    """The changes."""
    cost: PlannedCost | None = None
    """What the stack would cost, where the changes wait for approval and would change that."""


class Drift(StatusModel):
    """A change that somebody else made in AWS."""

    resource: str
    """On which resource, by type and name."""
    fields: tuple[str, ...] = Field(default=(), strict=False)
    """What differs."""
    found_at: Time
    """When it was found."""
    action: str = ""
    """What was done about it."""


class Blocker(StatusModel):
    """Something that holds up the deletion."""

    resource: str
    """What it is, by type and name."""
    id: str = ""
    """Its ID in AWS."""
    owner: str = ""
    """Who it belongs to, as far as AWS tells."""
    message: str = ""
    """What to do about it."""


class Status(StatusModel):
    """Where the stack stands; written by the operator only."""

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """The generation of spec that this status speaks of; -1 until the operator has looked."""
    conditions: tuple[Condition, ...] = Field(default=(), strict=False, json_schema_extra={"map-key": "type"})
    """Ready is the sum; Reconciling and Stalled are there while they hold; one Ready condition per component."""
    url: str | None = None
    """Where the app answers."""
    outputs: Outputs | None = None
    """What other tools need to know of the stack."""
    image: str | None = None
    """The image that runs."""
    running_tasks: Count | None = None
    """Tasks that run."""
    desired_tasks: Count | None = None
    """Tasks that should run."""
    tasks: str | None = None
    """Running and desired tasks as text, for the TASKS column: 2/2."""
    resources: tuple[ResourceStatus, ...] = Field(default=(), strict=False)
    """The AWS resources of the stack."""
    plan: PlanStatus | None = None
    """Changes that are pending or wait for approval."""
    drift: tuple[Drift, ...] = Field(default=(), strict=False)
    """Changes that others made in AWS."""
    cost: Cost | None = None
    """What the stack is estimated to cost a month."""
    last_sync_time: Time | None = None
    """When AWS was last compared in full, written along with other news or hourly."""
    last_handled_reconcile_at: str | None = None
    """The value of the annotation missyou.app/reconcile that was last obeyed."""
    last_handled_snapshot: str | None = None
    """The value of the annotation missyou.app/snapshot for which a snapshot was last begun."""
    blockers: tuple[Blocker, ...] = Field(default=(), strict=False)
    """While deleting: what holds it up."""

    def to_wire(self) -> dict[str, Any]:
        """Return the status as JSON values. What is not known and empty lists are left out, `observedGeneration` never.

        `conditions: null` and an empty status would read as "done" to kstatus, hence the one field that always stays.
        """
        dumped = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        return {name: value for name, value in dumped.items() if value != []}


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON merge patch (RFC 7386) that turns one status into the other; empty when nothing changed.

    Both are wire values. Fields that are gone become null; lists are replaced as a whole.
    """
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            if inner := merge_patch(old, value):
                patch[name] = inner
        elif name not in before or old != value:
            patch[name] = value
    return patch


def parse_status(body: Mapping[str, Any]) -> Status:
    """Read the status of a whole MissYouApp object; an empty one where there is none."""
    return Status.model_validate(body.get("status") or {})
