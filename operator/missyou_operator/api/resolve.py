"""From the spec as written to the spec as meant: `AppSpec`, with every default filled in.

Pure. Everything above the API layer reads `AppSpec`, and knows no default of its own.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from missyou_operator.api.aws_rules import APP_NAME_MAX, STACK_NAME_MAX
from missyou_operator.api.base import WireModel
from missyou_operator.api.cross_rules import COPY_ELSEWHERE, LONG_NAME, TOPIC_IN_REGION, ZONES_IN_REGION
from missyou_operator.api.database import Database
from missyou_operator.api.defaults import DEFAULTS
from missyou_operator.api.field_rules import NO_STACK_NAME, RESERVED_STACK_NAME, STACK_NAME, is_free_stack_name
from missyou_operator.api.monitoring import Monitoring
from missyou_operator.api.sections import LoadBalancer, Network, Registry, ReplicaBounds, Service
from missyou_operator.api.spec import Spec, ValidatedSpec

#: The block of all addresses.
ANYWHERE = "0.0.0.0/0"

#: Regions in which Fargate may not have tmpfs. Source: AWS, "What's New", 6 January 2026: tmpfs mounts on Fargate, in
#: all commercial regions.
_WITHOUT_TMPFS = ("cn-", "us-gov-", "us-iso", "eu-isoe-", "eusc-")

Section = TypeVar("Section", bound=WireModel)


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a spec: where (`spec.service.port`), and what to write instead."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class InvalidSpec(Exception):  # noqa: N818 - a state of the app's spec, as the reason in its status
    """A spec that the schema would refuse, stored under an older CRD that did not. Only a new spec helps."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class AppNetwork(Network):
    """The VPC, resolved."""

    nat_gateways: int


class AppReplicas(ReplicaBounds):
    """The number of tasks, resolved."""

    min: int
    max: int


class AppService(Service):
    """The tasks, resolved. `cpu` in units of 1/1024 vCPU, `memory` in MiB."""

    cpu: int
    memory: int
    replicas: AppReplicas
    hardened: bool
    read_only_root_filesystem: bool


class AppDatabase(Database):
    """The database, resolved."""

    multi_az: bool
    deletion_protection: bool
    final_snapshot: bool


class AppLoadBalancer(LoadBalancer):
    """The load balancer, resolved."""

    allowed_cidrs: Sequence[str]
    deletion_protection: bool


class AppMonitoring(Monitoring):
    """Logs, alarms and dashboard, resolved."""

    dashboard: bool


class AppRegistry(Registry):
    """The ECR repository, resolved."""

    immutable_tags: bool


class AppSpec(Spec):
    """The spec of one MissYouApp, complete: None is left only where absence has a meaning of its own.

    A field stands here only where its type is narrower than that of `Spec`.
    """

    region: str
    stack_name: str
    network: AppNetwork
    service: AppService
    database: AppDatabase
    registry: AppRegistry
    load_balancer: AppLoadBalancer
    monitoring: AppMonitoring


def resolve(spec: Spec, *, name: str, operator_region: str) -> AppSpec:
    """Fill in the defaults that depend on the environment, the object's name and the operator's region.

    Raises InvalidSpec when a name or zone that comes from outside the spec does not fit.
    """
    region, stack_name = spec.region or operator_region, spec.stack_name or name
    if problems := list(_problems(spec, name, region)):
        raise InvalidSpec(problems)
    base = DEFAULTS[spec.environment]
    replicas = _resolved(AppReplicas, spec.service.replicas, min=base.replicas_min, max=base.replicas_max)
    return AppSpec(
        **dict(spec)
        | {
            "region": region,
            "stack_name": stack_name,
            "network": _resolved(AppNetwork, spec.network, nat_gateways=base.nat_gateways),
            "service": _service(spec, region, replicas),
            "database": _resolved(
                AppDatabase,
                spec.database,
                multi_az=base.multi_az,
                deletion_protection=base.protect,
                final_snapshot=base.protect,
            ),
            "registry": _resolved(AppRegistry, spec.registry, immutable_tags=base.immutable_tags),
            "load_balancer": _resolved(
                AppLoadBalancer,
                spec.load_balancer,
                allowed_cidrs=(spec.network.cidr if spec.load_balancer.scheme == "internal" else ANYWHERE,),
                deletion_protection=base.protect,
            ),
            "monitoring": _resolved(AppMonitoring, spec.monitoring, dashboard=base.dashboard),
        }
    )


def _service(spec: Spec, region: str, replicas: AppReplicas) -> AppService:
    """Resolve the tasks. Only of its own images does the stack know that they need neither root nor a writable root."""
    base, given = DEFAULTS[spec.environment], spec.service.hardened
    hardened = given if given is not None else spec.image.repository is None
    return _resolved(
        AppService,
        spec.service.model_copy(update={"replicas": replicas}),
        cpu=base.cpu,
        memory=base.memory,
        hardened=hardened,
        read_only_root_filesystem=hardened and not region.startswith(_WITHOUT_TMPFS),
    )


def _resolved(model: type[Section], section: WireModel, **defaults: Any) -> Section:
    """Return a section as its resolved model; a default counts where the section has None."""
    given = dict(section)
    return model(**given | {name: value for name, value in defaults.items() if given[name] is None})


def parse(body: Mapping[str, Any], operator_region: str) -> AppSpec:
    """Read a whole MissYouApp object, as the API server returns it.

    Raises InvalidSpec, naming every field that is wrong, for a spec that the schema in the cluster let through.
    """
    try:
        spec = _SPEC.validate_python(body.get("spec"))
    except ValidationError as error:
        raise InvalidSpec([_problem(detail) for detail in error.errors(include_url=False)]) from None
    return _sharing(resolve(spec, name=body["metadata"]["name"], operator_region=operator_region))


def _sharing(spec: AppSpec) -> AppSpec:
    """Return a spec of which each section is the same object as that of another app that says the same there.

    Most apps say what most say. By itself a spec takes 21 KB, and a thousand are kept.
    """
    return spec.model_copy(update={name: _one_of(part) for name, part in spec if isinstance(part, WireModel)})


@functools.lru_cache(maxsize=4096)
def _known(part: WireModel) -> WireModel:
    return part


def _one_of(part: WireModel) -> WireModel:
    try:
        return _known(part)
    except TypeError:
        # There is a mapping in it.
        return part


_SPEC: TypeAdapter[Spec] = TypeAdapter(ValidatedSpec)

#: Messages for the types of errors whose message in pydantic does not say what to write.
_MESSAGES = {
    "extra_forbidden": "unknown field: remove it, or install the CRD that belongs to this operator",
    "missing": "required: set it",
    "model_type": "must be an object",
}


def _problem(detail: Any) -> Problem:
    """Translate one of pydantic's errors. The rejected value is left out: it may be long, or secret."""
    path = "spec"
    for part in detail["loc"]:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return Problem(path + detail.get("ctx", {}).get("path", ""), _MESSAGES.get(detail["type"], detail["msg"]))


def _problems(spec: Spec, name: str, region: str) -> Iterator[Problem]:
    """Check what comes from outside the spec: the object's name and the operator's region."""
    if len(name) > APP_NAME_MAX:
        yield Problem("metadata.name", LONG_NAME)
    stack_name = spec.stack_name or name
    if len(stack_name) > STACK_NAME_MAX or not re.fullmatch(STACK_NAME, stack_name):
        yield Problem("spec.stackName", NO_STACK_NAME.format(stack_name))
    elif not is_free_stack_name(stack_name):
        yield Problem("spec.stackName", RESERVED_STACK_NAME)
    for rule in () if spec.region else (ZONES_IN_REGION, TOPIC_IN_REGION, COPY_ELSEWHERE):
        if rule.check and (problem := rule.check(spec.model_copy(update={"region": region}))):
            yield Problem(
                f"spec{rule.path}", f"{problem} ({region} is the operator's region: set spec.region for another)"
            )
