"""The sections of `spec`, field by field as users write them.

A field that is None was not given and has a default that depends on the environment or the operator: `resolve` knows
them. Static defaults stand here and in the CRD. The docstring under a field is what `kubectl explain` shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from missyou_operator.api import fargate
from missyou_operator.api import field_rules as rules
from missyou_operator.api.base import WireModel
from missyou_operator.api.rules import OneOf
from missyou_operator.api.traffic import AccessLogs

TargetPercent = Annotated[int, Field(ge=10, le=95)]
Cooldown = Annotated[int, Field(ge=0, le=3600)]
Replicas = Annotated[int, Field(ge=1, le=100)]


class Credentials(WireModel):
    """Who the operator is in AWS when it works for this app."""

    role_arn: Annotated[str, Field(max_length=2048), rules.ROLE_ARN] | None = None
    """IAM role that the operator assumes for this app, which may belong to another account. Not given: the operator's
    own identity."""
    external_id: Annotated[str, Field(min_length=2, max_length=1224), rules.EXTERNAL_ID] | None = None
    """External ID that the role's trust policy asks for."""


class Image(WireModel):
    """What runs in the tasks."""

    repository: Annotated[str, Field(max_length=255), rules.REPOSITORY_WITHOUT_TAG, rules.REPOSITORY] | None = None
    """Image name without tag. Not given: the stack's own ECR repository."""
    tag: Annotated[str, Field(max_length=128), rules.TAG] = "latest"
    """Tag, or digest like sha256:…; changing it rolls out a new version."""


class Endpoints(WireModel):
    """Ways from the app's tasks to AWS's own services that need no NAT gateway."""

    s3: bool = True
    """A gateway endpoint for S3, which costs nothing: the layers of images come through it."""
    interfaces: bool = False
    """Interface endpoints for ECR, CloudWatch Logs and Secrets Manager in both zones, at a price per hour, zone and
    GB."""


class Network(WireModel):
    """The VPC."""

    cidr: Annotated[str, Field(max_length=18), rules.CIDR, rules.CIDR_USABLE, rules.CIDR_KEPT] = "10.0.0.0/16"
    """IPv4 block of the VPC, /16 to /20; public, app and database subnets are carved from it. Immutable."""
    availability_zones: (
        Annotated[
            Sequence[Annotated[str, Field(max_length=40), rules.ZONE_NAME]],
            Field(min_length=2, max_length=2),
            rules.ZONES_DIFFER,
            rules.ZONES_IN_ONE_REGION,
        ]
        | None
    ) = None
    """Exactly two zone names. Not given: the first two that are available in the region. Immutable."""
    nat_gateways: Annotated[int, OneOf((1, 2))] | None = None
    """One NAT gateway per zone, or one for both. Default: 2 in Production, 1 in Development."""
    endpoints: Endpoints = Field(default_factory=Endpoints)
    """Ways from the app's tasks to AWS's own services that need no NAT gateway."""


class ReplicaBounds(WireModel):
    """How many tasks run."""

    min: Replicas | None = None
    """Lower bound of tasks. Default: 2 in Production, 1 in Development."""
    max: Replicas | None = None
    """Upper bound of tasks. Default: 10 in Production, 2 in Development."""


class Autoscaling(WireModel):
    """When tasks are added and removed."""

    cpu_target: TargetPercent = 70
    """Average CPU use, in percent of what the tasks have, that autoscaling aims at."""
    memory_target: TargetPercent = 80
    """Average memory use, in percent of what the tasks have, that autoscaling aims at."""
    scale_out_cooldown: Cooldown = 60
    """Seconds between two steps up."""
    scale_in_cooldown: Cooldown = 300
    """Seconds between two steps down."""


class HealthCheck(WireModel):
    """How the load balancer asks a task whether it is well."""

    path: Annotated[str, Field(max_length=1024), rules.HEALTH_PATH] = "/health"
    """Path that answers 200 while the app is well."""
    interval_seconds: Annotated[int, Field(ge=5, le=300)] = 30
    """Seconds between two checks of one task."""


class Service(WireModel):
    """The tasks on ECS Fargate."""

    cpu: Annotated[int, OneOf(tuple(fargate.SIZES))] | None = None
    """CPU units of a task (1024 are one vCPU). Default: 512 in Production, 256 in Development."""
    memory: Annotated[int, Field(ge=fargate.MEMORY_MIN, le=fargate.MEMORY_MAX)] | None = None
    """Memory of a task in MiB, one that Fargate offers with the CPU. Default: 1024 in Production, 512 in
    Development."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8000
    """Port that the container listens on; the task gets it as PORT."""
    replicas: ReplicaBounds = Field(default_factory=ReplicaBounds)
    """How many tasks run at least and at most."""
    autoscaling: Autoscaling = Field(default_factory=Autoscaling)
    """When tasks are added and removed between these bounds."""
    health_check: HealthCheck = Field(default_factory=HealthCheck)
    """How the load balancer asks a task whether it is well."""
    debug: bool = False
    """Debug mode of the app; the task gets it as DEBUG."""
    env: Annotated[
        dict[str, Annotated[str, Field(max_length=2048)]],
        Field(max_length=100),
        rules.ENV_NAMES,
        rules.ENV_SHADOWING,
    ] = Field(default_factory=dict)
    """More environment variables for the container. Not for secrets: the task definition shows these values."""


class Registry(WireModel):
    """The ECR repository."""

    keep_images: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many images stay; older ones expire."""
    scan_on_push: bool = True
    """Scan every pushed image for known vulnerabilities."""


class SecretKey(WireModel):
    """One key of a Kubernetes Secret."""

    name: Annotated[str, Field(max_length=253), rules.SECRET_NAME]
    """Name of the Secret, in the namespace of the MissYouApp."""
    key: Annotated[str, Field(max_length=253), rules.SECRET_KEY]
    """Key in the Secret."""


class SecretSource(WireModel):
    """Where a secret value comes from."""

    secret_key_ref: SecretKey | None = None
    """A Kubernetes Secret in the same namespace; the operator copies the value to Secrets Manager."""
    secret_arn: Annotated[str, Field(max_length=2048), rules.SECRET_ARN] | None = None
    """A secret that exists in Secrets Manager; the tasks read it directly."""


class Secrets(WireModel):
    """Secret values that the tasks get."""

    google_api_key: Annotated[SecretSource, rules.ONE_SOURCE] | None = None
    """Gemini API key, GOOGLE_API_KEY in the task. Not given: the variable is not set."""
    firebase_service_account: Annotated[SecretSource, rules.ONE_SOURCE] | None = None
    """Firebase service account (JSON), FIREBASE_SERVICE_ACCOUNT_KEY in the task. Not given: the variable is not set."""


class LoadBalancer(WireModel):
    """The application load balancer."""

    access_logs: AccessLogs = Field(default_factory=AccessLogs)
    """The load balancer's record of every request, in a bucket of its own."""

    deletion_protection: bool | None = None
    """AWS refuses to delete the load balancer; the operator lifts it only in a deletion that deletionPolicy allows.
    Default: true in Production, false in Development."""


class Domain(WireModel):
    """The app's own name, by HTTPS."""

    name: Annotated[str, Field(max_length=64), rules.DOMAIN_NAME]
    """Host name of the app, say app.example.com. It gets a certificate, and HTTP leads to HTTPS."""
    hosted_zone_id: Annotated[str, Field(max_length=32), rules.HOSTED_ZONE] | None = None
    """Route 53 zone in which the records are made. Not given: the public zone with the longest name that fits. Where
    there is none, DomainReady says which records to create by hand."""
    credentials: Annotated[Credentials, rules.EXTERNAL_ID_NEEDS_ROLE] = Field(default_factory=Credentials)
    """Who the operator is where the zone is, which may be another account. Not given: as for everything else."""


class Budget(WireModel):
    """What the stack may cost."""

    monthly_usd: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """US dollars a month. A change after which the stack is estimated to cost more, and more than before, waits for
    approval. Not given: no bound."""
