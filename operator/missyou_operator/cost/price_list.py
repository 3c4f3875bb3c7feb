"""How the items of the price table are found in AWS's price list: what to ask GetProducts, what to take of its answer.

Pure. Usage types and product families are those of AWS's price list files (AWS Billing user guide, "AWS Price List Bulk
API"); for load balancer, logs, WAF and dashboard they were compared with Infracost's `internal/resources/aws`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from missyou_operator.cost.table import Price

#: What usage types begin with in most regions: EU-, EUC1-, USE1-; sometimes nothing.
_REGION_PREFIX = "(?:[A-Z]{2,4}[0-9]?-)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Where the price list has an item.

    `usage` is a pattern for the usage type without its region; a group in it fills the braces of the item's name.
    `family` is empty where AWS's products have none. `per`: how many of AWS's units ours is. `regional` is False for
    what has one price everywhere.
    """

    service: str
    family: str
    usage: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    per: Decimal = Decimal(1)
    regional: bool = True

    def request(self, region: str) -> dict[str, Any]:
        """Give the arguments of GetProducts."""
        terms = {"productFamily": self.family, "regionCode": region if self.regional else "", **self.attributes}
        filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in terms.items() if value]
        return {"ServiceCode": self.service, "FormatVersion": "aws_v1", "Filters": filters}


def _offer(service: str, family: str, usage: str, **attributes: str) -> Offer:
    return Offer(service=service, family=family, usage=usage, attributes=attributes)


def _postgres(family: str, usage: str, zones: str) -> Offer:
    return _offer("AmazonRDS", family, usage, databaseEngine="PostgreSQL", deploymentOption=zones)


OFFERS: Mapping[str, Offer] = {
    "fargate.vcpuHour": _offer("AmazonECS", "Compute", "Fargate-vCPU-Hours:perCPU"),
    "fargate.gbHour": _offer("AmazonECS", "Compute", "Fargate-GB-Hours"),
    "nat.hour": _offer("AmazonEC2", "NAT Gateway", "NatGateway-Hours"),
    "nat.gb": _offer("AmazonEC2", "NAT Gateway", "NatGateway-Bytes"),
    "alb.hour": _offer("AWSELB", "Load Balancer-Application", "LoadBalancerUsage", locationType="AWS Region"),
    "alb.lcuHour": _offer("AWSELB", "Load Balancer-Application", "LCUUsage", locationType="AWS Region"),
    "ipv4.hour": _offer("AmazonVPC", "", "PublicIPv4:InUseAddress"),
    "endpoint.hour": _offer("AmazonVPC", "VpcEndpoint", "VpcEndpoint-Hours"),
    "endpoint.gb": _offer("AmazonVPC", "VpcEndpoint", "VpcEndpoint-Bytes"),
    "rds.storage.single": _postgres("Database Storage", "RDS:GP3-Storage", "Single-AZ"),
    "rds.storage.multi": _postgres("Database Storage", "RDS:Multi-AZ-GP3-Storage", "Multi-AZ"),
    "rds.{}.single": _postgres("Database Instance", r"InstanceUsage:(db[.].+)", "Single-AZ"),
    "rds.{}.multi": _postgres("Database Instance", r"Multi-AZUsage:(db[.].+)", "Multi-AZ"),
    "ecr.gbMonth": _offer("AmazonECR", "EC2 Container Registry", "TimedStorage-ByteHrs"),
    "s3.gbMonth": _offer("AmazonS3", "Storage", "TimedStorage-ByteHrs", volumeType="Standard"),
    "secret.month": _offer("AWSSecretsManager", "Secret", "AWSSecretsManager-Secrets"),
    "logs.ingestedGB": _offer("AmazonCloudWatch", "Data Payload", "DataProcessing-Bytes"),
    "logs.storedGBMonth": _offer("AmazonCloudWatch", "Storage Snapshot", "TimedStorage-ByteHrs"),
    "alarm.month": _offer("AmazonCloudWatch", "Alarm", "CW:AlarmMonitorUsage", alarmType="Standard"),
    "dashboard.month": Offer(
        service="AmazonCloudWatch", family="Dashboard", usage="DashboardsUsageHour", regional=False
    ),
    "waf.aclMonth": _offer("awswaf", "Web Application Firewall", "WebACLV2"),
    "waf.ruleMonth": _offer("awswaf", "Web Application Firewall", "RuleV2"),
    "waf.millionRequests": Offer(
        service="awswaf", family="Web Application Firewall", usage="RequestV2-Tier1", per=Decimal(1_000_000)
    ),
}


@dataclass(frozen=True, slots=True)
class PassResult:
    """The prices of one region. `doubtful`: items of which the list has none, or several different ones."""

    prices: Mapping[str, Price]
    doubtful: tuple[str, ...] = ()


def read_products(answers: Mapping[str, Iterable[str]], day: date) -> PassResult:
    """Read what GetProducts answered, as JSON texts by the name of the offer that was asked for."""
    prices: dict[str, Price] = {}
    doubtful: list[str] = []
    for name, texts in answers.items():
        candidates: dict[str, dict[Decimal, str]] = {}
        for item, usd, source in _candidates(name, texts):
            candidates.setdefault(item, {}).setdefault(usd, source)
        for item, found in candidates.items():
            if len(found) > 1:
                doubtful.append(item)
                continue
            [(usd, source)] = found.items()
            prices[item] = Price(usd, day, source)
        if not candidates:
            doubtful.append(name)
    return PassResult(prices, tuple(doubtful))


def _candidates(name: str, texts: Iterable[str]) -> Iterator[tuple[str, Decimal, str]]:
    offer = OFFERS[name]
    pattern = re.compile(_REGION_PREFIX + offer.usage)
    for text in texts:
        document = json.loads(text)
        product = document["product"]
        match = pattern.fullmatch(product["attributes"].get("usagetype", ""))
        usd = _first_price(document) if match else None
        if match and usd is not None:
            source = f"Pricing API, {offer.service} {document.get('version', '')}, SKU {product['sku']}"
            yield name.format(*match.groups()), usd * offer.per, source


def _first_price(document: Mapping[str, Any]) -> Decimal | None:
    """Give the price on demand of the first tier that is not free."""
    dimensions = [
        dimension
        for term in document["terms"].get("OnDemand", {}).values()
        for dimension in term["priceDimensions"].values()
    ]
    for dimension in sorted(dimensions, key=lambda row: Decimal(row.get("beginRange", "0"))):
        usd = Decimal(dimension["pricePerUnit"].get("USD", "0"))
        if usd:
            return usd.normalize()
    return None
