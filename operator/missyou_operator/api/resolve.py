"""From what the user wrote to what is meant: `AppSpec`, with every default filled in.

Pure. Everything above the API layer reads `AppSpec` and never asks for a default of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from missyou_operator.api.database import Database
from missyou_operator.api.defaults import DEFAULTS, Environment
from missyou_operator.api.field_rules import NO_STACK_NAME, STACK_NAME, STACK_NAME_MAX
from missyou_operator.api.monitoring import Monitoring
from missyou_operator.api.sections import (
    Budget,
    Credentials,
    Domain,
    Image,
    LoadBalancer,
    Network,
    Registry,
    ReplicaBounds,
    SecretSource,
    Service,
)
from missyou_operator.api.sources import SecretARN, SecretKeyRef
from missyou_operator.api.spec import Spec, ValidatedSpec
from missyou_operator.api.traffic import WAF


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a spec: where (`spec.service.port`), and what to write instead."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class InvalidSpec(Exception):  # noqa: N818 - a state of the app's spec, as the reason in its status
    """A spec that the schema would refuse, stored before the schema knew (an older CRD). Only a new spec helps."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class AppNetwork(Network):
    """The VPC, resolved. `availability_zones` None means: the first two that are available in the region."""

    availability_zones: tuple[str, str] | None
    nat_gateways: int


class AppReplicas(ReplicaBounds):
    """How many tasks run, resolved."""

    min: int
    max: int


class AppService(Service):
    """The tasks, resolved. `cpu` in units of 1/1024 vCPU, `memory` in MiB."""

    cpu: int
    memory: int
    replicas: AppReplicas


class AppDatabase(Database):
    """The database, resolved."""

    multi_az: bool
    deletion_protection: bool
    final_snapshot: bool


class AppLoadBalancer(LoadBalancer):
    """The load balancer, resolved."""

    deletion_protection: bool


class AppMonitoring(Monitoring):
    """Logs, alarms and dashboard, resolved."""

    dashboard: bool


@dataclass(frozen=True, slots=True)
class AppSecrets:
    """The secret values, resolved. None: the variable is not set in the task."""

    google_api_key: SecretKeyRef | SecretARN | None = None
    firebase_service_account: SecretKeyRef | SecretARN | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSpec:
    """What one MissYouApp asks for, complete. None is left only where absence means something of its own."""

    environment: Environment
    region: str
    stack_name: str
    credentials: Credentials
    image: Image
    network: AppNetwork
    service: AppService
    database: AppDatabase
    registry: Registry
    secrets: AppSecrets
    load_balancer: AppLoadBalancer
    domain: Domain | None
    monitoring: AppMonitoring
    waf: WAF
    budget: Budget
    tags: Mapping[str, str]
    deletion_policy: Literal["Delete", "Retain"]
    drift_policy: Literal["Correct", "Report"]
    suspend: bool


def resolve(spec: Spec, *, name: str, operator_region: str) -> AppSpec:
    """Fill in the defaults of the environment, of the app's `name` (metadata.name) and of the operator.

    Raises InvalidSpec where what is filled in does not fit: the name as a stack name, the zones to the region.
    """
    region, stack_name = spec.region or operator_region, spec.stack_name or name
    problems = [*_name_problems(stack_name, name), *_zone_problems(spec, region), *_topic_problems(spec, region)]
    if problems:
        raise InvalidSpec(problems)
    base = DEFAULTS[spec.environment]
    network, service, database, replicas = spec.network, spec.service, spec.database, spec.service.replicas
    return AppSpec(
        environment=spec.environment,
        region=region,
        stack_name=stack_name,
        credentials=spec.credentials,
        image=spec.image,
        network=AppNetwork(
            **dict(network)
            | {
                "availability_zones": network.availability_zones and tuple(network.availability_zones),
                "nat_gateways": network.nat_gateways or base.nat_gateways,
            }
        ),
        service=AppService(
            **dict(service)
            | {
                "cpu": service.cpu or base.cpu,
                "memory": service.memory or base.memory,
                "replicas": AppReplicas(
                    min=replicas.min or base.replicas_min,
                    max=replicas.max or base.replicas_max,
                ),
            }
        ),
        database=AppDatabase(
            **dict(database)
            | {
                "multi_az": _given(database.multi_az, base.multi_az),
                "deletion_protection": _given(database.deletion_protection, base.protect),
                "final_snapshot": _given(database.final_snapshot, base.protect),
            }
        ),
        registry=spec.registry,
        secrets=AppSecrets(
            google_api_key=_source(spec.secrets.google_api_key),
            firebase_service_account=_source(spec.secrets.firebase_service_account),
        ),
        load_balancer=AppLoadBalancer(
            **dict(spec.load_balancer)
            | {"deletion_protection": _given(spec.load_balancer.deletion_protection, base.protect)}
        ),
        monitoring=AppMonitoring(
            **dict(spec.monitoring) | {"dashboard": _given(spec.monitoring.dashboard, base.dashboard)}
        ),
        waf=spec.waf,
        domain=spec.domain,
        budget=spec.budget,
        tags=spec.tags,
        deletion_policy=spec.deletion_policy,
        drift_policy=spec.drift_policy,
        suspend=spec.suspend,
    )


def parse(body: Mapping[str, Any], operator_region: str) -> AppSpec:
    """Read a whole MissYouApp object, as the API server gives it.

    Raises InvalidSpec, naming every field that is wrong, for what the schema in the cluster let through.
    """
    try:
        spec = _SPEC.validate_python(body.get("spec"))
    except ValidationError as error:
        raise InvalidSpec([_problem(detail) for detail in error.errors(include_url=False)]) from None
    return resolve(spec, name=body["metadata"]["name"], operator_region=operator_region)


_SPEC: TypeAdapter[Spec] = TypeAdapter(ValidatedSpec)

#: Where pydantic's own words do not say what to write.
_WORDS = {
    "extra_forbidden": "unknown field: remove it, or install the CRD that belongs to this operator",
    "missing": "required: set it",
    "model_type": "must be an object",
}


def _problem(detail: Any) -> Problem:
    """Translate one of pydantic's errors. The rejected value is left out: it may be long, or secret."""
    path = "spec"
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    message = detail["msg"]
    return Problem(path + detail.get("ctx", {}).get("path", ""), _WORDS.get(detail["type"], message))


def _given(value: bool | None, default: bool) -> bool:
    return default if value is None else value


def _source(source: SecretSource | None) -> SecretKeyRef | SecretARN | None:
    """Flatten a source; the rule `ONE_SOURCE` has seen to it that exactly one side is set."""
    if source is None:
        return None
    if source.secret_key_ref is not None:
        return SecretKeyRef(source.secret_key_ref.name, source.secret_key_ref.key)
    return SecretARN(source.secret_arn or "")


def _name_problems(stack_name: str, name: str) -> list[Problem]:
    if len(stack_name) <= STACK_NAME_MAX and re.fullmatch(STACK_NAME, stack_name):
        return []
    return [Problem("spec.stackName", NO_STACK_NAME.format(name))]


def _zone_problems(spec: Spec, region: str) -> list[Problem]:
    """Compare the zones with a region that only the operator knows; the schema compares them with `spec.region`."""
    if spec.region or all(zone[:-1] == region for zone in spec.network.availability_zones or ()):
        return []
    return [
        Problem(
            "spec.network.availabilityZones",
            f"both zones must be in {region}, the operator's region: set spec.region, or name zones of {region}",
        )
    ]


def _topic_problems(spec: Spec, region: str) -> list[Problem]:
    """Compare the topic likewise."""
    topic = spec.monitoring.notifications.topic_arn
    if spec.region or topic is None or topic.split(":")[3] == region:
        return []
    says = f"must be in {region}, the operator's region: CloudWatch alarms notify topics of their own region only"
    return [Problem("spec.monitoring.notifications.topicARN", f"the topic {says}")]
