"""The model of a MissYouTenant: what the MissYouApps of some namespaces may name in AWS.

In the manner of ACK's IAMRoleSelector (a cluster-scoped map from namespaces to roles; ACK documentation, "Granular IAM
Roles") and of the `conditions` of External Secrets' ClusterSecretStore (namespaces by name or by label).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from missyou_operator.api import field_rules as fields
from missyou_operator.api import tenant_rules as rules
from missyou_operator.api.base import WireModel

Exposure = Literal["Public", "Internal"]
_Label = Annotated[str, Field(max_length=317)]
_Value = Annotated[str, Field(max_length=63)]


class LabelRequirement(WireModel):
    """A condition on one label."""

    key: Annotated[str, Field(min_length=1, max_length=317)]
    """Name of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """How the label compares with the values. NotIn also holds where there is no such label, as everywhere in
    Kubernetes."""
    values: Annotated[Sequence[_Value], Field(max_length=50)] = ()
    """Values to compare with: at least one for In and NotIn, none for Exists and DoesNotExist."""


class LabelSelector(WireModel):
    """A selector of namespaces by their labels. All of its conditions must hold; one without conditions selects all."""

    match_labels: Annotated[dict[_Label, _Value], Field(max_length=20)] = Field(default_factory=dict)
    """Labels that a namespace must have, with their values."""
    match_expressions: Annotated[
        Sequence[Annotated[LabelRequirement, rules.VALUES_FIT_OPERATOR]], Field(max_length=20)
    ] = ()
    """Conditions on labels."""


class TenantCredentials(WireModel):
    """The AWS identity of the tenant's apps."""

    role_arn: Annotated[str, Field(max_length=2048), fields.ROLE_ARN] | None = None
    """IAM role that the operator assumes for these apps, with the external ID missyou:<cluster UID>:<namespace>.
    Default: the operator's own identity."""


class Tenant(WireModel):
    """What the MissYouApps of some namespaces may name in AWS. What is not granted here is refused."""

    namespaces: Annotated[
        Sequence[Annotated[str, Field(min_length=1, max_length=63), rules.NAMESPACE]], Field(max_length=200)
    ] = ()
    """Names of the tenant's namespaces, in addition to those that namespaceSelector selects."""
    namespace_selector: LabelSelector | None = None
    """Selects the tenant's namespaces by labels. Only who administers the cluster should be able to set those."""
    credentials: TenantCredentials = Field(default_factory=TenantCredentials)
    """The AWS identity of the tenant's apps."""
    stack_prefix: Annotated[str, Field(max_length=24), rules.STACK_PREFIX] | None = None
    """What the names of the tenant's stacks begin with: team-a grants team-a and team-a-…, and not what a longer
    prefix of another tenant covers. Default: the name of the app's namespace."""
    secrets: Annotated[
        Sequence[Annotated[str, Field(max_length=2048), rules.SECRETS, rules.STAR_AT_BORDER]], Field(max_length=100)
    ] = ()
    """ARNs of secrets in Secrets Manager that secretARN may name. A * stands for any characters but / and :, and
    after a final / for all that follows."""
    domains: Annotated[Sequence[Annotated[str, Field(max_length=255), rules.DOMAIN]], Field(max_length=100)] = ()
    """Domains that domain.name may lie in: example.com grants itself and all names below, *.example.com only those
    below."""
    zones: Annotated[Sequence[Annotated[str, Field(max_length=32), fields.HOSTED_ZONE]], Field(max_length=100)] = ()
    """IDs of the hosted zones for the records of these domains."""
    zone_roles: Annotated[Sequence[Annotated[str, Field(max_length=256), fields.ROLE_ARN]], Field(max_length=20)] = ()
    """Roles that domain.credentials.roleARN may name, besides the tenant's own."""
    snapshots: Annotated[
        Sequence[Annotated[str, Field(max_length=400), rules.SNAPSHOTS, rules.STAR_AT_BORDER]], Field(max_length=100)
    ] = ()
    """Names or ARNs of RDS snapshots that database.restoreFromSnapshot may name, and ARNs of automated backups for
    database.restoreToTime; a * stands for any characters but :. What apps of the same namespace have taken needs no
    grant."""
    existing_names: Annotated[
        Sequence[Annotated[str, Field(min_length=1, max_length=512), rules.STAR_AT_BORDER]], Field(max_length=100)
    ] = ()
    """Names of what existed before, which existing.names may give; a * stands for any characters but / and :, for
    example miss-you-app-*. Ownership still goes by tags."""
    images: Annotated[
        Sequence[Annotated[str, Field(max_length=255), rules.IMAGES, rules.STAR_AT_BORDER]], Field(max_length=100)
    ] = ()
    """Repositories that image.repository may name, registry included. A * stands for any characters but / and :, and
    after a final / for all that follows. The stack's own ECR repository needs no grant."""
    topics: Annotated[Sequence[Annotated[str, Field(max_length=400), fields.TOPIC_ARN]], Field(max_length=100)] = ()
    """ARNs of SNS topics that monitoring.notifications.topicARN may name."""
    regions: Annotated[Sequence[Annotated[str, Field(max_length=32), fields.REGION_NAME]], Field(max_length=40)] = ()
    """Regions that the stacks may be in. Default: the operator's AWS_REGION only."""
    tag_keys: Annotated[Sequence[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=100)] = ()
    """Keys that tags may have. The tags of a tenant's apps are never set on IAM roles."""
    max_monthly_usd: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """US dollars a month that all stacks of the tenant together may cost at most, each with its maximum of tasks and
    of database storage. Apps that were created first count first. Default: no limit."""
    exposure: Exposure = "Internal"
    """Whether load balancers may be reached from the internet: Public allows it, Internal requires
    loadBalancer.scheme: internal."""


#: A tenant with the rules between its fields: what `parse_tenant` validates and what the CRD carries.
ValidatedTenant = Annotated[Tenant, rules.SELECTS_SOMETHING]
_TENANT: TypeAdapter[Tenant] = TypeAdapter(ValidatedTenant)


class InvalidTenant(Exception):  # noqa: N818 - a state of the tenant
    """A MissYouTenant that the schema would refuse, stored under another CRD. It grants nothing."""


def parse_tenant(body: Mapping[str, Any]) -> Tenant:
    """Read a whole MissYouTenant object. Error: InvalidTenant, naming the fields that are wrong."""
    try:
        return _TENANT.validate_python(body.get("spec"))
    except ValidationError as error:
        paths = {".".join(["spec", *map(str, detail["loc"])]) for detail in error.errors(include_url=False)}
        raise InvalidTenant(f"{', '.join(sorted(paths))} cannot be read") from None
