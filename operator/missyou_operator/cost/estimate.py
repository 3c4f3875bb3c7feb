"""From a spec to what its stack costs a month. Pure; money in Decimal, each line rounded to cents so that sums add up.

One function per component. A new part of the stack that costs money gets its lines here; a test compares the counts
with the graph of resources.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from missyou_operator.api import AppSpec
from missyou_operator.cost.table import Price, PriceTable
from missyou_operator.cost.usage import Usage

#: Zones of a stack: the load balancer has an address in each, an interface endpoint is paid for in each.
ZONES = 2
#: Interface endpoints: ecr.api, ecr.dkr, logs, secretsmanager.
INTERFACE_ENDPOINTS = 4
#: Metrics that the alarms watch, which is what AWS counts: one each, and three for the rate of errors. (Two less with a
#: database class whose memory is not known to the operator.)
ALARM_METRICS = 10
#: Rules of the web ACL, of which AWS counts a managed group as one: four groups and the rate limit.
WAF_RULES = 5

_CENT = Decimal("0.01")
_DAYS = Decimal(365) / 12


@dataclass(frozen=True, slots=True)
class Charge:
    """Something that AWS charges for: how many `unit`s of which `item` of the price table a month."""

    component: str
    what: str
    item: str
    quantity: Decimal
    unit: str


@dataclass(frozen=True, slots=True)
class Line:
    """A charge with its price; `price` is None where the table has none."""

    charge: Charge
    price: Price | None

    @property
    def usd(self) -> Decimal | None:
        """US dollars a month, in cents, or None where there is no price."""
        if self.price is None:
            return None
        return (self.charge.quantity * self.price.usd).quantize(_CENT, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a stack costs a month in a region."""

    region: str
    lines: tuple[Line, ...]

    @property
    def known(self) -> Decimal:
        """The sum of what has a price, US dollars a month: a lower bound where something has none."""
        return sum((line.usd for line in self.lines if line.usd is not None), Decimal(0))

    @property
    def total(self) -> Decimal | None:
        """US dollars a month, or None where anything has no price."""
        return None if self.not_priced else self.known

    @property
    def not_priced(self) -> tuple[str, ...]:
        """What has no price, by its name in the table."""
        return tuple(line.charge.item for line in self.lines if line.price is None)

    @property
    def date(self) -> date | None:
        """The day of the oldest price that was used."""
        return min((line.price.date for line in self.lines if line.price is not None), default=None)

    def by_component(self) -> Mapping[str, Decimal]:
        """Sum up what has a price, by component, in the order of the lines."""
        sums: dict[str, Decimal] = {}
        for line in self.lines:
            if line.usd is not None:
                sums[line.charge.component] = sums.get(line.charge.component, Decimal(0)) + line.usd
        return sums


def estimate(app: AppSpec, prices: PriceTable, usage: Usage | None = None) -> Estimate:
    """Estimate what a spec's stack costs a month, at its lower bound of replicas."""
    assumed = usage or Usage()
    charges = [charge for part in _PARTS for charge in part(app, assumed)]
    return Estimate(app.region, tuple(Line(charge, prices.price(app.region, charge.item)) for charge in charges))


def _network(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    gateways = app.network.nat_gateways
    hours = gateways * usage.hours
    yield Charge("Network", f"NAT gateways: {gateways}", "nat.hour", hours, "hours")
    yield Charge("Network", "through NAT", "nat.gb", usage.nat_gb, "GB")
    yield Charge("Network", f"public IPv4 of NAT: {gateways}", "ipv4.hour", hours, "hours")
    if app.network.endpoints.interfaces:
        hours = INTERFACE_ENDPOINTS * ZONES * usage.hours
        about = f"interface endpoints: {INTERFACE_ENDPOINTS} in {ZONES} zones"
        yield Charge("Network", about, "endpoint.hour", hours, "hours")
        yield Charge("Network", "through interface endpoints", "endpoint.gb", usage.endpoint_gb, "GB")


def _database(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    database = app.database
    zones = "multi" if database.multi_az else "single"
    about = f"{database.instance_class}, {'with a standby' if database.multi_az else 'one zone'}"
    yield Charge("Database", about, f"rds.{database.instance_class}.{zones}", usage.hours, "hours")
    yield Charge("Database", "gp3 storage", f"rds.storage.{zones}", Decimal(database.storage_gib), "GB-months")


def _registry(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    if app.image.repository is None:
        kept = app.registry.keep_images
        yield Charge("Registry", f"images: {kept}", "ecr.gbMonth", kept * usage.image_gb, "GB-months")


def _secrets(app: AppSpec, usage: Usage) -> Iterable[Charge]:  # noqa: ARG001 - parts are called alike
    sources = (app.secrets.google_api_key, app.secrets.firebase_service_account)
    # What exists already (secretARN) is paid for elsewhere.
    count = 1 + sum(source is not None and source.secret_key_ref is not None for source in sources)
    yield Charge("Secrets", f"secrets: {count}", "secret.month", Decimal(count), "months")


def _load_balancer(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    yield Charge("LoadBalancer", "application load balancer", "alb.hour", usage.hours, "hours")
    yield Charge("LoadBalancer", "capacity units", "alb.lcuHour", usage.lcu * usage.hours, "LCU-hours")
    yield Charge("LoadBalancer", f"public IPv4: {ZONES}", "ipv4.hour", ZONES * usage.hours, "hours")
    if (logs := app.load_balancer.access_logs).enabled:
        stored = (usage.access_log_gb * logs.retention_days / _DAYS).quantize(_CENT)
        yield Charge("LoadBalancer", "access logs kept", "s3.gbMonth", stored, "GB-months")


def _firewall(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    if app.waf.enabled:
        yield Charge("WAF", "web ACL", "waf.aclMonth", Decimal(1), "months")
        yield Charge("WAF", f"rules: {WAF_RULES}", "waf.ruleMonth", Decimal(WAF_RULES), "months")
        yield Charge("WAF", "requests looked at", "waf.millionRequests", usage.million_requests, "million")


def _service(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    tasks = app.service.replicas.min
    cpus, memory = Decimal(app.service.cpu) / 1024, Decimal(app.service.memory) / 1024
    hours = tasks * usage.hours
    yield Charge("Service", f"tasks: {tasks} x {cpus:f} vCPU", "fargate.vcpuHour", hours * cpus, "vCPU-hours")
    yield Charge("Service", f"tasks: {tasks} x {memory:f} GB", "fargate.gbHour", hours * memory, "GB-hours")


def _monitoring(app: AppSpec, usage: Usage) -> Iterable[Charge]:
    stored = (usage.log_gb * app.monitoring.log_retention_days / _DAYS).quantize(_CENT)
    yield Charge("Monitoring", "logs written", "logs.ingestedGB", usage.log_gb, "GB")
    yield Charge("Monitoring", "logs kept", "logs.storedGBMonth", stored, "GB-months")
    if app.monitoring.dashboard:
        yield Charge("Monitoring", "dashboard", "dashboard.month", Decimal(1), "months")
    yield Charge(
        "Monitoring", f"metrics with an alarm: {ALARM_METRICS}", "alarm.month", Decimal(ALARM_METRICS), "months"
    )


_PARTS: tuple[Callable[[AppSpec, Usage], Iterable[Charge]], ...] = (
    _network,
    _database,
    _registry,
    _secrets,
    _load_balancer,
    _firewall,
    _service,
    _monitoring,
)
