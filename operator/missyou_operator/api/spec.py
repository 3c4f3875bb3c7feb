"""The model of `spec` as a whole, with the rules between its sections."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from missyou_operator.api import cross_rules as cross
from missyou_operator.api import fargate
from missyou_operator.api import field_rules as rules
from missyou_operator.api import window_rules as windows
from missyou_operator.api.aws_rules import STACK_NAME_MAX
from missyou_operator.api.base import WireModel
from missyou_operator.api.database import Database
from missyou_operator.api.defaults import Environment
from missyou_operator.api.env_rules import ENV_APART
from missyou_operator.api.existing import Existing, ValidatedExisting
from missyou_operator.api.monitoring import Monitoring
from missyou_operator.api.sections import (
    WAF,
    Budget,
    Credentials,
    Domain,
    Image,
    LoadBalancer,
    Network,
    Registry,
    Secrets,
    Service,
)
from missyou_operator.api.tag_rules import TAG_RULES


class Spec(WireModel):
    """Desired state of the AWS stack."""

    environment: Environment = "Production"
    """Selects the defaults of other fields."""
    region: Annotated[str, Field(max_length=32), rules.REGION_NAME] | None = None
    """AWS region. Default: the operator's AWS_REGION. Immutable."""
    stack_name: (
        Annotated[str, Field(max_length=STACK_NAME_MAX), rules.STACK_NAME_FORM, rules.STACK_NAME_FREE] | None
    ) = None
    """Prefix of all AWS names. Default: metadata.name. Immutable."""
    credentials: Annotated[Credentials, rules.EXTERNAL_ID_NEEDS_ROLE, cross.ACCOUNT_KEPT] = Field(
        default_factory=Credentials
    )
    """AWS identity that the operator uses for this app."""
    image: Annotated[Image, rules.IMAGE_LENGTH] = Field(default_factory=Image)
    """Container image of the app."""
    network: Network = Field(default_factory=Network)
    """The VPC."""
    service: Annotated[Service, ENV_APART] = Field(default_factory=Service)
    """The tasks on ECS Fargate."""
    database: Annotated[Database, cross.STORAGE_ROOM, cross.ONE_ORIGIN, windows.APART] = Field(default_factory=Database)
    """The PostgreSQL instance on RDS."""
    registry: Registry = Field(default_factory=Registry)
    """The ECR repository."""
    secrets: Secrets = Field(default_factory=Secrets)
    """Secrets that are passed to the tasks."""
    load_balancer: LoadBalancer = Field(default_factory=LoadBalancer)
    """The application load balancer."""
    domain: Annotated[Domain, cross.ZONE_KEPT] | None = None
    """Host name of the app, served over HTTPS. Default: the load balancer's name, over HTTP."""
    monitoring: Monitoring = Field(default_factory=Monitoring)
    """Logs, alarms, notifications and dashboard."""
    budget: Budget = Field(default_factory=Budget)
    """Limit on the cost of the stack."""
    waf: WAF = Field(default_factory=WAF)
    """The web application firewall in front of the load balancer."""
    tags: Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(max_length=40), *TAG_RULES] = Field(
        default_factory=dict
    )
    """Tags for every AWS resource of the stack, in addition to the operator's own."""
    existing: ValidatedExisting = Field(default_factory=Existing)
    """What existed before the stack, and stays as it is. `missyou import` writes it."""
    deletion_policy: Literal["Delete", "Retain"] = "Delete"
    """What happens in AWS when the MissYouApp is deleted: Delete the stack, or Retain it untouched."""
    drift_policy: Literal["Correct", "Report"] = "Correct"
    """What happens to changes that others make in AWS: Correct them, or only Report them."""
    change_policy: Literal["Automatic", "Approve"] = "Automatic"
    """Whether changes are made at once. Approve: each plan waits until the annotation missyou.app/approve has its ID,
    status.plan.id: the first creation, changes of the spec, corrections of drift. Changes that destroy data wait in any
    case."""
    suspend: bool = False
    """Whether the operator pauses: it changes nothing in AWS, not even on deletion. Ready then says what waits."""


#: A spec with the rules between its sections: what `parse` validates and what the CRD carries.
ValidatedSpec = Annotated[
    Spec,
    cross.REGION_KEPT,
    cross.ZONES_KEPT,
    cross.ZONES_IN_REGION,
    fargate.LEGAL_SIZE,
    cross.REPLICAS_ORDER,
    cross.FREE_STORAGE_BELOW_SIZE,
    cross.COPY_ELSEWHERE,
    cross.TOPIC_IN_REGION,
]
