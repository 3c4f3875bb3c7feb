"""The wire model of `spec` as a whole, with the rules between its sections."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from missyou_operator.api import cross_rules as cross
from missyou_operator.api import fargate
from missyou_operator.api import field_rules as rules
from missyou_operator.api import window_rules as windows
from missyou_operator.api.base import WireModel
from missyou_operator.api.database import Database
from missyou_operator.api.defaults import Environment
from missyou_operator.api.monitoring import Monitoring
from missyou_operator.api.sections import (
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
from missyou_operator.api.traffic import WAF


class Spec(WireModel):
    """The AWS stack that is wanted."""

    environment: Environment = "Production"
    """Chooses the defaults of the other fields."""
    region: Annotated[str, Field(max_length=32), rules.REGION_NAME] | None = None
    """AWS region. Not given: the operator's AWS_REGION. Immutable."""
    stack_name: Annotated[str, Field(max_length=rules.STACK_NAME_MAX), rules.STACK_NAME_FORM] | None = None
    """Prefix of all AWS names. Not given: metadata.name. Immutable."""
    credentials: Annotated[Credentials, rules.EXTERNAL_ID_NEEDS_ROLE, cross.ACCOUNT_KEPT] = Field(
        default_factory=Credentials
    )
    """Who the operator is in AWS when it works for this app."""
    image: Image = Field(default_factory=Image)
    """What runs in the tasks."""
    network: Network = Field(default_factory=Network)
    """The VPC."""
    service: Service = Field(default_factory=Service)
    """The tasks on ECS Fargate."""
    database: Annotated[Database, cross.STORAGE_ROOM, windows.APART] = Field(default_factory=Database)
    """The PostgreSQL instance on RDS."""
    registry: Registry = Field(default_factory=Registry)
    """The ECR repository."""
    secrets: Secrets = Field(default_factory=Secrets)
    """Secret values that the tasks get."""
    load_balancer: LoadBalancer = Field(default_factory=LoadBalancer)
    """The application load balancer."""
    domain: Annotated[Domain, cross.ZONE_KEPT] | None = None
    """The app's own name, by HTTPS. Not given: the load balancer's name, by HTTP."""
    monitoring: Monitoring = Field(default_factory=Monitoring)
    """Logs, alarms and whom they notify."""
    budget: Budget = Field(default_factory=Budget)
    """What the stack may cost."""
    waf: WAF = Field(default_factory=WAF)
    """The web application firewall in front of the load balancer."""
    tags: Annotated[dict[str, Annotated[str, Field(max_length=256)]], Field(max_length=40), *TAG_RULES] = Field(
        default_factory=dict
    )
    """Tags for every AWS resource of the stack, beside the operator's own."""
    deletion_policy: Literal["Delete", "Retain"] = "Delete"
    """What deleting the MissYouApp does in AWS: delete the stack, or leave all of it untouched."""
    drift_policy: Literal["Correct", "Report"] = "Correct"
    """What happens to changes made in AWS by others: undo them, or only report them."""
    suspend: bool = False
    """Touch nothing in AWS, not even on deletion."""


#: A spec with the rules between its sections: what `parse` validates and what the CRD carries.
JudgedSpec = Annotated[
    Spec,
    cross.REGION_KEPT,
    cross.ZONES_KEPT,
    cross.ZONES_IN_REGION,
    fargate.LEGAL_SIZE,
    cross.REPLICAS_ORDER,
    cross.FREE_STORAGE_BELOW_SIZE,
    cross.TOPIC_IN_REGION,
]
