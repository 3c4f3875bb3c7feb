"""IAM roles. Behaviour: IAM API reference; other services can use a new role only some seconds later."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.api.conditions import Reason
from missyou_operator.aws.clock import utc_now
from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import gone, is_absent, message_of
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import GLOBAL, Source
from missyou_operator.aws.listing import Named
from missyou_operator.aws.permissions import (
    BOUNDED,
    NAMED_AFTER_STACK,
    ROLES,
    SET_BOUNDARY,
    Grant,
    change,
    make,
    observe,
)
from missyou_operator.aws.policy_documents import as_policy, decoded, json_text, readable
from missyou_operator.aws.reader import Reader
from missyou_operator.aws.tags import retag
from missyou_operator.engine.comparators import compare, equal, if_desired
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.errors import RefusedError
from missyou_operator.engine.resource import READY, FieldChange, Health, Observed

#: The only inline policy of our roles.
POLICY_NAME = "missyou"

#: Seconds that a role usually takes to be known everywhere in AWS. An earlier use is refused, and retried.
PROPAGATION = 5.0


@dataclass(frozen=True, kw_only=True)
class Role(Named):
    """A role with at most one inline policy. Other policies that grant it rights are drift, and are removed.

    So is another permissions boundary than the desired one, or none. Where none is desired, a boundary stays: it may be
    what an organization demands, and removing it takes the very right that makes a boundary worthless.
    """

    TYPE: ClassVar[str] = "iam.Role"
    # The only list that shows policies and tags of roles.
    LISTING = Source(
        "iam", "get_account_authorization_details", "RoleDetailList", "RoleName", {"Filter": ["Role"]}, GLOBAL
    )
    COMPARED = compare(trust=as_policy, policy=as_policy, permissions_boundary=if_desired(equal))
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("ecs.Service", "ecs.TaskDefinition", "ec2.FlowLog")
    EFFECTS = Effects(
        Effect("CreateRole, PutRolePolicy", 12),
        Effect("DeleteRolePolicy, DeleteRole"),
        fields={
            "trust": Effect("UpdateAssumeRolePolicy", 12),
            "policy": Effect("PutRolePolicy", 12),
            "permissions_boundary": Effect("PutRolePermissionsBoundary", 12),
        },
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("iam:GetAccountAuthorizationDetails"),
        make("iam:CreateRole", on=ROLES, also=(BOUNDED, NAMED_AFTER_STACK)),
        make("iam:TagRole", on=ROLES, also=(NAMED_AFTER_STACK,)),
        change("iam:UpdateAssumeRolePolicy", "iam:PutRolePolicy", on=ROLES, also=(BOUNDED,)),
        change(SET_BOUNDARY, on=ROLES, also=(BOUNDED,)),
        # These only take rights away, also from a role that was made before there was a boundary.
        change("iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:DeleteRole", "iam:UntagRole", on=ROLES),
    )

    account: str
    policy: Mapping[str, Any] | None
    description: str
    permissions_boundary: str | None = None
    service: str = "ecs-tasks.amazonaws.com"
    #: Pattern of the ARNs on whose behalf the service may assume it, "" for all of the account; None where the service
    #: does not say on whose behalf it comes, so that no condition could hold.
    source: str | None = ""

    @property
    def trust(self) -> Any:
        """The trust policy: one service, and only on behalf of this account (no confused deputy)."""
        statement: dict[str, Any] = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": self.service},
        }
        if self.source is not None:
            by_source = {"ArnLike": {"aws:SourceArn": self.source}} if self.source else {}
            statement["Condition"] = {"StringEquals": {"aws:SourceAccount": self.account}, **by_source}
        return {"Version": "2012-10-17", "Statement": [statement]}

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        inline = {policy["PolicyName"]: decoded(policy["PolicyDocument"]) for policy in row.get("RolePolicyList", ())}
        attrs = {
            "id": row["RoleName"],
            "arn": row["Arn"],
            "created": row["CreateDate"],
            "trust": decoded(row.get("AssumeRolePolicyDocument")),
            "policy": inline.get(POLICY_NAME),
            "inline": tuple(sorted(inline)),
            "attached": tuple(sorted(policy["PolicyArn"] for policy in row.get("AttachedManagedPolicies", ()))),
            "permissions_boundary": (row.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn"),
        }
        return reader.observed(cls, row["RoleName"], row["RoleName"], attrs, tag_map(row.get("Tags")))

    def matches(self, name: str, observed: Observed) -> bool:
        """Compare documents by meaning. A foreign policy of the role is a difference of `policy`."""
        return super().matches(name, observed) and not (name == "policy" and _foreign(observed))

    def diff(self, observed: Observed) -> tuple[FieldChange, ...]:
        """Describe the rights that the role gains and loses, instead of printing two documents."""
        return tuple(self._readable(change, observed) for change in super().diff(observed))

    def _readable(self, change: FieldChange, observed: Observed) -> FieldChange:
        if change.field not in {"policy", "trust"}:
            return change
        foreign = _foreign(observed) if change.field == "policy" else ()
        return readable(change, observed.attrs.get(change.field), getattr(self, change.field), *foreign)

    def health(self, observed: Observed, now: Callable[[], datetime] = utc_now) -> Health:
        """Return pending for the first seconds, in which other services do not know the role yet."""
        created = observed.attrs.get("created")
        if created is None or (now() - created).total_seconds() >= PROPAGATION:
            return READY
        message = f"{self.name} is new: other AWS services can use it in a few seconds"
        return Health("pending", Reason.PROPAGATING, message, PROPAGATION, needs_no_read=True)

    def create(self, cloud: Cloud) -> Observed:
        """Create it with its permissions boundary and its policy."""
        iam = cloud.client("iam")
        bounded = {"PermissionsBoundary": self.permissions_boundary} if self.permissions_boundary else {}
        with creating(self.address), self._boundary_exists():
            row = iam.create_role(
                RoleName=self.name,
                AssumeRolePolicyDocument=json_text(self.trust),
                Description=self.description,
                Tags=tag_list(self.tags),
                **bounded,
            )["Role"]
        observed = self.as_created(self.name, arn=row["Arn"], created=row["CreateDate"], inline=(), attached=())
        return self.update(cloud, observed, frozenset({"policy"}) if self.policy else frozenset())

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Write what differs, and remove foreign policies."""
        iam = cloud.client("iam")
        inline = set(observed.attrs["inline"])
        if "permissions_boundary" in changed:
            # The first, since the operator's policy may allow the others within the boundary only.
            with self._boundary_exists():
                iam.put_role_permissions_boundary(RoleName=self.name, PermissionsBoundary=self.permissions_boundary)
        if "trust" in changed:
            iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=json_text(self.trust))
        if "policy" in changed:
            keep = {POLICY_NAME} if self.policy else set()
            if self.policy:
                document = json_text(self.policy)
                iam.put_role_policy(RoleName=self.name, PolicyName=POLICY_NAME, PolicyDocument=document)
            _strip(cloud, self.name, inline - keep, observed.attrs["attached"])
            observed = observed.with_attrs(inline=tuple(sorted(keep)), attached=())
        if "tags" in changed:
            retag(
                self,
                observed,
                lambda keys: iam.untag_role(RoleName=self.name, TagKeys=keys),
                lambda: iam.tag_role(RoleName=self.name, Tags=tag_list(self.tags)),
            )
        return self.as_desired(observed)

    @contextmanager
    def _boundary_exists(self) -> Iterator[None]:
        """Run a call that names the boundary. Errors: RefusedError where there is no such policy, else AWS's.

        IAM answers NoSuchEntity then, with "Scope ARN: … does not exist or is not attachable".
        """
        try:
            yield
        except ClientError as error:
            if not is_absent(error) or str(self.permissions_boundary) not in message_of(error):
                raise
            raise RefusedError(
                Reason.BOUNDARY_NOT_FOUND,
                f"{self.name} needs the permissions boundary {self.permissions_boundary}, which the operator's setting "
                f"--permissions-boundary names, and the account {self.account} has no such policy. Create it from what "
                "missyou iam-policy --boundary prints: aws iam create-policy --policy-name "
                f"{str(self.permissions_boundary).rpartition('/')[2]} --policy-document file://boundary.json",
            ) from error

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Remove all policies, then delete it. The next pass removes policies that were added meanwhile."""
        _strip(cloud, observed.id, observed.attrs["inline"], observed.attrs["attached"])
        return gone(lambda: cloud.client("iam").delete_role(RoleName=observed.id))


def _foreign(observed: Observed) -> tuple[str, ...]:
    """Return descriptions of the policies of a role that are not ours."""
    inline = (f"inline policy {name}" for name in observed.attrs.get("inline", ()) if name != POLICY_NAME)
    return (*inline, *(f"attached policy {arn}" for arn in observed.attrs.get("attached", ())))


def _strip(cloud: Cloud, role: str, inline: Iterable[str], attached: Sequence[str]) -> None:
    iam = cloud.client("iam")
    for name in sorted(inline):
        gone(partial(iam.delete_role_policy, RoleName=role, PolicyName=name))
    for arn in attached:
        gone(partial(iam.detach_role_policy, RoleName=role, PolicyArn=arn))
