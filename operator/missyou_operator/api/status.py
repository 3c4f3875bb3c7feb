"""The model of `status`: what people, scripts, Argo CD and Flux read.

No field changes by itself over time: each status write makes GitOps tools look again, so only news belong here.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import UTC
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError

from missyou_operator.api.base import WireModel

#: metav1.Condition's own bound; the API server refuses the whole status write beyond it.
MESSAGE_MAX = 32768

Message = Annotated[
    str,
    # A message of AWS or of a task may be long: cut it rather than lose the write.
    BeforeValidator(lambda text: text[: MESSAGE_MAX - 1] + "…" if len(text) > MESSAGE_MAX else text),
    Field(max_length=MESSAGE_MAX),
]
Time = Annotated[
    AwareDatetime,
    Field(strict=False),
    PlainSerializer(lambda time: time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str),
]
Count = Annotated[int, Field(ge=0)]


USD = Annotated[str, Field(max_length=32, pattern=r"^[+-]?[0-9]+[.][0-9]{2}$")]
PlanRisk = Literal["Create", "InPlace", "Restart", "Replace", "DataLoss"]


class StatusModel(WireModel):
    """A part of `status`. Unknown fields are dropped: another version of the operator may have written them."""

    model_config = ConfigDict(extra="ignore")


class Condition(StatusModel):
    """One aspect of the state, like metav1.Condition."""

    type: Annotated[str, Field(max_length=316, pattern="^[A-Z][A-Za-z0-9]*$")]
    """Type of the condition: Ready, Reconciling, Stalled, InSync, NetworkReady, DatabaseReady and so on."""
    status: Literal["True", "False", "Unknown"]
    """Whether the condition holds."""
    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern="^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Reason for the status, one CamelCase word that scripts can match."""
    message: Message = ""
    """Explanation for people: what is wrong, with which resource, and what to do."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec to which the condition applies."""
    last_transition_time: Time
    """When the status of the condition last changed."""


class Outputs(StatusModel):
    """Names, IDs and addresses of the stack for other tools."""

    alb_url: Annotated[str | None, Field(alias="albURL")] = None
    """URL of the load balancer."""
    rds_endpoint: str | None = None
    """Host and port of the database."""
    ecr_repository_url: str | None = None
    """URL of the ECR repository, to push images to."""
    certificate_arn: str | None = None
    """ARN of the certificate for HTTPS."""
    region: str | None = None
    """AWS region of the stack."""
    vpc_id: str | None = None
    """ID of the VPC."""
    ecs_cluster: str | None = None
    """Name of the ECS cluster."""
    ecs_service: str | None = None
    """Name of the ECS service."""
    log_group: str | None = None
    """Name of the log group of the tasks."""
    access_log_bucket: str | None = None
    """Name of the bucket that holds the load balancer's access logs."""
    database_engine_version: str | None = None
    """PostgreSQL version in use; it may be newer than spec.database.engineVersion."""
    snapshot_arn: Annotated[str | None, Field(alias="snapshotARN")] = None
    """ARN of the snapshot requested by the annotation missyou.app/snapshot, once it is complete."""


class ResourceStatus(StatusModel):
    """One AWS resource of the stack."""

    component: str
    """Component to which the resource belongs: Network, Database and so on."""
    type: str
    """Type of the resource, for example ec2.Vpc."""
    name: str
    """Name of the resource."""
    id: str = ""
    """ARN or ID of the resource; empty while it does not exist."""
    state: str = ""
    """Ready, or the reason why it is not."""
    message: str = ""
    """Explanation of the state, for people."""


class Hold(StatusModel):
    """What holds a change back."""

    reason: str
    """Reason in one CamelCase word that scripts can match, as in conditions."""
    message: Message = ""
    """Explanation for people."""


class PlannedChange(StatusModel):
    """One change that the operator plans."""

    action: Literal["Create", "Update", "Replace", "Delete"]
    """What the change does to the resource."""
    resource: str
    """Type and name of the resource."""
    fields: tuple[str, ...] = Field(default=(), strict=False)
    """Fields that differ, with their present and their desired value."""
    risk: PlanRisk | None = None
    """How far the change reaches. InPlace: nothing that serves is restarted. Restart: tasks or the database are.
    Replace: deleted, and created anew. DataLoss: it destroys data."""
    effect: str | None = None
    """What the app feels of the change."""
    expected_seconds: Count | None = None
    """Seconds that the change usually takes until it is in effect."""
    cost_difference_usd: USD | None = None
    """Difference in the cost of the stack, in US dollars per month; absent where the change makes none, or where it is
    not known."""
    destroys_data: bool = False
    """Whether the change destroys data."""
    held_because: Hold | None = None
    """Why the change has not been made yet; absent while nothing holds it."""


class ComponentCost(StatusModel):
    """Estimated cost of one component."""

    component: str
    """Name of the component: Network, Database and so on."""
    monthly_usd: USD
    """US dollars per month."""


class Cost(StatusModel):
    """Estimated cost of the stack with the minimum number of replicas. docs/cost.md lists the assumptions."""

    monthly_usd: USD | None = None
    """US dollars per month; absent if anything has no price."""
    components: tuple[ComponentCost, ...] = Field(
        default=(), strict=False, exclude_if=operator.not_, json_schema_extra={"map-key": "component"}
    )
    """Cost by component."""
    prices_from: str | None = None
    """Date of the oldest price used, for example 2026-08-31."""
    not_priced: tuple[str, ...] = Field(default=(), strict=False, exclude_if=operator.not_)
    """Items without a price for this region in the operator's price table."""


class PlannedCost(StatusModel):
    """Estimated cost of the stack after the changes."""

    monthly_usd: USD
    """US dollars per month, without items that have no price."""
    difference_usd: USD
    """Difference from the present cost, in US dollars per month, without resources that have no price."""
    not_priced: tuple[str, ...] = Field(default=(), strict=False, exclude_if=operator.not_)
    """Type and name of the resources for which the operator's price table has no price."""


class PlanStatus(StatusModel):
    """Changes that are pending or wait for approval."""

    id: str
    """ID of the plan. To approve it, set the annotation missyou.app/approve to this value."""
    summary: str | None = None
    """How many resources the plan adds, changes and destroys; a replacement is an addition and a destruction."""
    risk: PlanRisk | None = None
    """The highest risk of its changes."""
    effect: str | None = None
    """What the app feels of the plan as a whole."""
    expected_seconds: Count | None = None
    """Seconds that the plan usually takes: its longest chain of changes that wait for each other."""
    changes: tuple[PlannedChange, ...] = Field(default=(), strict=False)
    """The planned changes."""
    cost: PlannedCost | None = None
    """Estimated cost after the changes, if they affect it."""


class DriftAction(StrEnum):
    """What became of a change that others made in AWS."""

    CORRECTING = "Correcting"
    CORRECTED = "Corrected"
    HELD = "Held"
    REPORTED = "Reported"
    RESOLVED = "Resolved"


class Drift(StatusModel):
    """A change that others made in AWS."""

    resource: str
    """Type and name of the resource."""
    fields: tuple[str, ...] = Field(default=(), strict=False)
    """Fields that differ, with their present and their desired value."""
    found_at: Time
    """When the operator found the change."""
    by: Annotated[str, Field(exclude_if=operator.not_)] = ""
    """Who changed it, by the identity in CloudTrail; AWS for its own services. Known where events are installed."""
    at: Time | None = None
    """When it was changed, if it is known by whom."""
    action: str = ""
    """What became of it. Correcting: the operator is putting it right. Corrected: it has. Held: the correction waits,
    and status.plan says why. Reported: left as it is, by driftPolicy. Resolved: others put it back, or the spec asks
    for something else now."""


class Data(StatusModel):
    """A resource that holds data, or held some and is gone."""

    resource: str
    """Type and name of the resource."""
    id: str
    """What tells it from an earlier or later one of the same name: the resource ID of a database, or a time."""
    lost_at: Time | None = None
    """Since when it is known to be missing, although the operator has not deleted it."""


class ApprovedPlan(StatusModel):
    """The approval that was used last."""

    id: str
    """ID of the plan; the annotation missyou.app/approve with this value approves nothing any more."""
    number: Count
    """Number of approvals used so far."""
    at: Time | None = None
    """When it was used."""
    replaced: Annotated[bool, Field(exclude_if=operator.not_)] = False
    """Whether the approval came for a plan that another had replaced: nothing was done."""
    generation: Annotated[int, Field(ge=0)] | None = None
    """Generation of the spec that the plan was for, while the plan is being carried out under changePolicy Approve."""
    changes: tuple[str, ...] = Field(default=(), strict=False, exclude_if=operator.not_)
    """The changes that were approved and are still to be made: a digest of each that destroys data, the others in
    words, with digests of the values."""


class TakeOver(StatusModel):
    """A stack that was taken over, or was not there to be taken over."""

    at: Time
    """When everything that was there bore the tags of this app."""


class DatabasePassword(StatusModel):
    """The rotations of the database's password, which is never shown."""

    last_handled: str | None = None
    """Last value of the annotation missyou.app/rotate-database-password for which the database got another password."""
    last_rotated_at: Time | None = None
    """When the database last got another password."""
    next_rotation_at: Time | None = None
    """When the next rotation is due, with spec.database.passwordRotationDays."""


class Blocker(StatusModel):
    """A resource that holds up the deletion."""

    resource: str
    """Type and name of the resource."""
    id: str = ""
    """ID of the resource in AWS."""
    owner: str = ""
    """Owner of the resource, if AWS names one."""
    message: str = ""
    """What to do about it."""


class Status(StatusModel):
    """Observed state of the stack, written by the operator only."""

    observed_generation: Annotated[int, Field(ge=-1)] = -1
    """Generation of the spec to which this status applies; -1 until the operator has seen the object."""
    conditions: tuple[Condition, ...] = Field(default=(), strict=False, json_schema_extra={"map-key": "type"})
    """Ready for the whole stack and one such condition per component, InSync, and Reconciling or Stalled while they
    hold."""
    account: str | None = None
    """Number of the AWS account in which the stack lives. Decided at its creation; a stack cannot move."""
    region: str | None = None
    """AWS region in which the stack lives. Decided at its creation; a stack cannot move."""
    url: str | None = None
    """URL of the app."""
    outputs: Outputs | None = None
    """Names, IDs and addresses of the stack for other tools."""
    image: str | None = None
    """Image of the running tasks, as the spec names it."""
    image_digest: str | None = None
    """Digest of that image, which the tasks name instead of the tag; absent for images of other repositories than the
    stack's own."""
    running_tasks: Count | None = None
    """Number of running tasks."""
    desired_tasks: Count | None = None
    """Number of desired tasks."""
    tasks: str | None = None
    """Running and desired tasks for the TASKS column, for example 2/2."""
    resources: tuple[ResourceStatus, ...] = Field(default=(), strict=False)
    """The AWS resources of the stack."""
    plan: PlanStatus | None = None
    """Changes that are pending or wait for approval."""
    last_approved_plan: ApprovedPlan | None = None
    """The approval that was used last, or that names a plan which is not asked for any more."""
    drift: tuple[Drift, ...] = Field(default=(), strict=False)
    """The latest changes that others made in AWS."""
    data: tuple[Data, ...] = Field(
        default=(), strict=False, exclude_if=operator.not_, json_schema_extra={"map-key": "resource"}
    )
    """What holds data. One of them that is missing is never made anew without approval."""
    cost: Cost | None = None
    """Estimated cost of the stack per month."""
    last_sync_time: Time | None = None
    """When AWS was last observed in full; updated with other changes of the status, or hourly."""
    last_handled_reconcile_at: str | None = None
    """Last value of the annotation missyou.app/reconcile that the operator handled."""
    last_handled_snapshot: str | None = None
    """Last value of the annotation missyou.app/snapshot for which a snapshot was started."""
    database_password: DatabasePassword | None = None
    """When the password of the database was replaced, and when it will be."""
    last_take_over: TakeOver | None = None
    """When the annotation missyou.app/take-over was carried out. It then has no further effect, until it has been
    removed and is set again."""
    blockers: tuple[Blocker, ...] = Field(default=(), strict=False)
    """What holds up the deletion, while the app is being deleted."""

    def to_wire(self) -> dict[str, Any]:
        """Return the status as JSON values, without unknown values and empty lists. `observedGeneration` always stays.

        kstatus would take `conditions: null`, or an empty status, for "done".
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


def previous_password(body: Mapping[str, Any]) -> DatabasePassword:
    """Read what the status of a MissYouApp object says of the password; an unreadable status says nothing."""
    try:
        return parse_status(body).database_password or DatabasePassword()
    except ValidationError:
        return DatabasePassword()
