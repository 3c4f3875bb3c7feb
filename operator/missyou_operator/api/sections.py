"""The sections of `spec`, field by field as users write them.

None means that a field was omitted: `resolve` knows its default, which depends on the environment or the operator.
Static defaults stand here and in the CRD. `kubectl explain` shows the docstring under a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from missyou_operator.api import fargate
from missyou_operator.api import field_rules as rules
from missyou_operator.api.base import WireModel
from missyou_operator.api.deployment import DEPLOYMENT_RULES, Deployment
from missyou_operator.api.env_rules import ENV_FROM_RULES, ENV_RULES, SECRETS_MAX
from missyou_operator.api.monitoring import LOG_DAYS
from missyou_operator.api.rules import OneOf

TargetPercent = Annotated[int, Field(ge=10, le=95)]
Cooldown = Annotated[int, Field(ge=0, le=3600)]
Replicas = Annotated[int, Field(ge=1, le=100)]


class Credentials(WireModel):
    """AWS identity that the operator uses for this app."""

    role_arn: Annotated[str, Field(max_length=2048), rules.ROLE_ARN] | None = None
    """IAM role that the operator assumes; it may belong to another account. Default: the operator's own identity."""
    external_id: Annotated[str, Field(min_length=2, max_length=1224), rules.EXTERNAL_ID] | None = None
    """External ID that the role's trust policy requires."""


class Image(WireModel):
    """Container image of the app."""

    repository: Annotated[str, Field(max_length=255), rules.REPOSITORY_WITHOUT_TAG, rules.REPOSITORY] | None = None
    """Image name without a tag. Default: the stack's own ECR repository."""
    tag: Annotated[str, Field(max_length=128), rules.TAG] = "latest"
    """Tag, or digest such as sha256:…. A change rolls out a new version."""
    update: Literal["OnPush", "Never"] = "OnPush"
    """What happens when the tag is pushed again, to the stack's own repository: OnPush rolls the new image out; with
    Never, the tasks keep the image that they run until another tag is set."""


class Endpoints(WireModel):
    """VPC endpoints: the tasks reach AWS services without a NAT gateway."""

    s3: bool = True
    """Gateway endpoint for S3, free of charge. Image layers are pulled through it."""
    interfaces: bool = False
    """Interface endpoints for ECR, CloudWatch Logs and Secrets Manager in both zones. AWS charges per hour and zone,
    and per GB."""


class FlowLogs(WireModel):
    """Flow logs of the VPC: a line for each connection, let in or refused, in a log group of CloudWatch Logs."""

    enabled: bool = False
    """Whether flow logs are written. Turning them off deletes the log group; with logs in it, that needs approval. AWS
    charges per GB."""
    retention_days: Annotated[int, OneOf(LOG_DAYS)] = 30
    """Days for which the flow logs are kept."""


class Network(WireModel):
    """The VPC."""

    cidr: Annotated[str, Field(max_length=18), rules.CIDR, rules.CIDR_USABLE, rules.CIDR_KEPT] = "10.0.0.0/16"
    """IPv4 CIDR block of the VPC, /16 to /20, divided into public, app and database subnets. Immutable."""
    availability_zones: (
        Annotated[
            Sequence[Annotated[str, Field(max_length=40), rules.ZONE_NAME]],
            Field(min_length=2, max_length=2),
            rules.ZONES_DIFFER,
            rules.ZONES_IN_ONE_REGION,
        ]
        | None
    ) = None
    """Two availability zones. Default: the first two that are available in the region. Immutable."""
    nat_gateways: Annotated[int, OneOf((1, 2))] | None = None
    """Number of NAT gateways: 2 is one per zone, 1 is shared. Default: 2 in Production, 1 in Development."""
    endpoints: Endpoints = Field(default_factory=Endpoints)
    """VPC endpoints: the tasks reach AWS services without a NAT gateway."""
    flow_logs: FlowLogs = Field(default_factory=FlowLogs)
    """Flow logs of the VPC, in a log group of CloudWatch Logs."""


class ReplicaBounds(WireModel):
    """Number of tasks."""

    min: Replicas | None = None
    """Minimum number of tasks. Default: 2 in Production, 1 in Development."""
    max: Replicas | None = None
    """Maximum number of tasks. Default: 10 in Production, 2 in Development."""


class Autoscaling(WireModel):
    """Targets of autoscaling, and the pauses between its steps."""

    cpu_target: TargetPercent = 70
    """Target for the average CPU utilization of the tasks, in percent."""
    memory_target: TargetPercent = 80
    """Target for the average memory utilization of the tasks, in percent."""
    scale_out_cooldown: Cooldown = 60
    """Seconds to wait after adding tasks before adding more."""
    scale_in_cooldown: Cooldown = 300
    """Seconds to wait after removing tasks before removing more."""


class HealthCheck(WireModel):
    """The load balancer's health check of a task."""

    path: Annotated[str, Field(max_length=1024), rules.HEALTH_PATH] = "/health"
    """Path that returns 200 while the app is healthy."""
    interval_seconds: Annotated[int, Field(ge=5, le=300)] = 30
    """Seconds between two health checks of a task."""


class SecretKey(WireModel):
    """One key of a Kubernetes Secret."""

    name: Annotated[str, Field(max_length=253), rules.SECRET_NAME]
    """Name of the Secret, in the namespace of the MissYouApp."""
    key: Annotated[str, Field(max_length=253), rules.SECRET_KEY]
    """Key in the Secret."""


class Service(WireModel):
    """The tasks on ECS Fargate."""

    cpu: Annotated[int, OneOf(tuple(fargate.SIZES))] | None = None
    """CPU units of a task; 1024 units are one vCPU. Default: 512 in Production, 256 in Development."""
    memory: Annotated[int, Field(ge=fargate.MEMORY_MIN, le=fargate.MEMORY_MAX)] | None = None
    """Memory of a task in MiB, a size that Fargate offers for the CPU. Default: 1024 in Production, 512 in
    Development."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    """Port on which the container listens, passed to it as PORT."""
    replicas: ReplicaBounds = Field(default_factory=ReplicaBounds)
    """Minimum and maximum number of tasks."""
    autoscaling: Autoscaling = Field(default_factory=Autoscaling)
    """Targets of autoscaling, and the pauses between its steps."""
    health_check: HealthCheck = Field(default_factory=HealthCheck)
    """The load balancer's health check of a task."""
    deployment: Annotated[Deployment, *DEPLOYMENT_RULES] = Field(default_factory=Deployment)
    """How a new version takes over the requests."""
    hardened: bool | None = None
    """Whether the container runs as user 65532 without Linux capabilities, under an init process that reaps its
    children. Default: true for images in the stack's own repository, false for those of other repositories."""
    read_only_root_filesystem: bool | None = None
    """Whether the container may write nowhere but to /tmp, 64 MiB of its memory. Default: as hardened, but false in
    regions outside AWS's commercial partition."""
    debug: bool = False
    """Debug mode of the app, passed to the container as DEBUG."""
    env: Annotated[
        dict[str, Annotated[str, Field(max_length=2048)]],
        Field(max_length=100),
        *ENV_RULES,
    ] = Field(default_factory=dict)
    """Additional environment variables of the container: at most 97, none of them empty, 48 KiB in all. Not for
    secrets, which belong into envFrom: the task definition shows the values."""
    env_from: Annotated[dict[str, SecretKey], Field(max_length=SECRETS_MAX), *ENV_FROM_RULES] = Field(
        default_factory=dict
    )
    """Environment variables whose values are keys of Kubernetes Secrets in the same namespace, by variable: at most 30.
    The operator copies each value to a secret of its own in Secrets Manager; another value is a rollout."""


class Registry(WireModel):
    """The ECR repository."""

    keep_images: Annotated[int, Field(ge=1, le=1000)] = 10
    """Number of images to keep; older images expire. Images under tags in use, and under the last ones before, stay."""
    scan_on_push: bool = True
    """Whether every pushed image is scanned for known vulnerabilities."""
    immutable_tags: bool | None = None
    """Whether ECR refuses another image under a tag that is taken. Default: true in Production, false in
    Development."""


class SecretSource(WireModel):
    """Source of a secret value."""

    secret_key_ref: SecretKey | None = None
    """A key of a Kubernetes Secret in the same namespace. The operator copies its value to Secrets Manager."""
    secret_arn: Annotated[str, Field(max_length=2048), rules.SECRET_ARN] | None = None
    """ARN of an existing secret in Secrets Manager. The tasks read it directly."""


class Secrets(WireModel):
    """Secrets that are passed to the tasks."""

    google_api_key: Annotated[SecretSource, rules.ONE_SOURCE] | None = None
    """Gemini API key, GOOGLE_API_KEY in the container. Default: the variable is not set."""
    firebase_service_account: Annotated[SecretSource, rules.ONE_SOURCE] | None = None
    """Firebase service account (JSON), FIREBASE_SERVICE_ACCOUNT_KEY in the container. Default: the variable is not
    set."""


class AccessLogs(WireModel):
    """The load balancer's access logs, in an S3 bucket of their own."""

    enabled: bool = False
    """Whether access logs are written. Turning them off deletes the bucket; with logs in it, that needs approval."""
    retention_days: Annotated[int, Field(ge=1, le=3653)] = 30
    """Days for which the logs are kept."""


#: Each block is two rules of the security group (HTTP and HTTPS), and those of a change stand beside the ones that they
#: replace. Source: VPC user guide, "Amazon VPC quotas": 60 inbound rules per security group.
MAX_BLOCKS = 15


class LoadBalancer(WireModel):
    """The application load balancer."""

    scheme: Annotated[Literal["internet-facing", "internal"], rules.SCHEME_KEPT] = "internet-facing"
    """internet-facing: public addresses. internal: private addresses only, in the app subnets, for clients in the VPC
    and in networks connected to it. Immutable."""
    allowed_cidrs: (
        Annotated[
            Sequence[Annotated[str, Field(max_length=18), rules.BLOCK]],
            Field(min_length=1, max_length=MAX_BLOCKS),
            rules.BLOCKS_DIFFER,
        ]
        | None
    ) = None
    """IPv4 blocks whose clients may connect. Default: 0.0.0.0/0, everybody; with the scheme internal, the VPC's own
    block."""

    access_logs: AccessLogs = Field(default_factory=AccessLogs)
    """Access logs, in an S3 bucket of their own."""
    deletion_protection: bool | None = None
    """Whether AWS refuses to delete the load balancer. The operator lifts the protection only for a deletion that
    deletionPolicy allows. Default: true in Production, false in Development."""


class WAF(WireModel):
    """The web application firewall in front of the load balancer."""

    enabled: bool = False
    """Whether a web ACL with AWS managed rule groups and a rate limit protects the load balancer."""
    rate_limit: Annotated[int, Field(ge=10, le=2_000_000_000)] = 2000
    """Requests allowed per IP address in five minutes; more are blocked. Many users may share one address."""


class Domain(WireModel):
    """Host name of the app, served over HTTPS."""

    name: Annotated[str, Field(max_length=64), rules.DOMAIN_NAME]
    """Host name, for example app.example.com. It gets a certificate, and HTTP redirects to HTTPS."""
    hosted_zone_id: Annotated[str, Field(max_length=32), rules.HOSTED_ZONE] | None = None
    """ID of the Route 53 zone for the records. Default: the public zone with the longest matching name. Without such a
    zone, the condition DomainReady lists the records to create by hand."""
    credentials: Annotated[Credentials, rules.EXTERNAL_ID_NEEDS_ROLE, rules.ZONE_ROLE] = Field(
        default_factory=Credentials
    )
    """AWS identity for the zone, which may be in another account. Default: the same as for everything else."""


class Budget(WireModel):
    """Limit on the cost of the stack."""

    monthly_usd: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """US dollars per month. A change that raises the estimated cost above this waits for approval. Default: no
    limit."""
