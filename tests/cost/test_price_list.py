"""Prices from the Pricing API: which products are taken and which are not, and the command that asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import boto3
import pytest
from botocore.stub import Stubber

from missyou_operator.cli import main
from missyou_operator.cost import bundled, estimate, read_table
from missyou_operator.cost.charges import ITEMS
from missyou_operator.cost.price_list import read_products

from .pricing_server import product, serving
from .specs import app

DAY = date(2026, 10, 1)
ALB = {"productFamily": "Load Balancer-Application", "locationType": "AWS Region"}
RDS = {"databaseEngine": "PostgreSQL"}
LOGS = "AmazonCloudWatch"
#: Everything that the production default needs, for Frankfurt, and beside it what must not be taken for it.
FRANKFURT = [
    product("AmazonECS", "EUC1-Fargate-vCPU-Hours:perCPU", ("0", "0.0465600000"), productFamily="Compute"),
    product("AmazonECS", "EUC1-Fargate-GB-Hours", ("0", "0.0051100000"), productFamily="Compute"),
    product("AmazonECS", "EUC1-Fargate-ARM-vCPU-Hours:perCPU", ("0", "0.03725"), productFamily="Compute"),
    product("AmazonECS", "EUC1-Fargate-Windows-GB-Hours", ("0", "9"), productFamily="Compute"),
    product("AmazonEC2", "EUC1-NatGateway-Hours", ("0", "0.052"), productFamily="NAT Gateway"),
    product("AmazonEC2", "EUC1-NatGateway-Bytes", ("0", "0.052"), productFamily="NAT Gateway"),
    product("AmazonEC2", "EUC1-RegionalNatGateway-Hours", ("0", "9"), productFamily="NAT Gateway"),
    product("AWSELB", "EUC1-LoadBalancerUsage", ("0", "0.027"), **ALB),
    product("AWSELB", "EUC1-LCUUsage", ("0", "0.008"), **ALB),
    product("AWSELB", "EUC1-ReservedLCUUsage", ("0", "9"), **ALB),
    product("AmazonVPC", "EUC1-PublicIPv4:InUseAddress", ("0", "0.005")),
    product(
        "AmazonRDS",
        "EUC1-Multi-AZUsage:db.t3.micro",
        ("0", "0.042"),
        productFamily="Database Instance",
        deploymentOption="Multi-AZ",
        **RDS,
    ),
    product(
        "AmazonRDS",
        "EUC1-Multi-AZUsage:db.t3.micro",
        ("0", "9"),
        productFamily="Database Instance",
        deploymentOption="Multi-AZ",
        databaseEngine="MySQL",
    ),
    product(
        "AmazonRDS",
        "EUC1-RDS:Multi-AZ-GP3-Storage",
        ("0", "0.274"),
        productFamily="Database Storage",
        deploymentOption="Multi-AZ",
        **RDS,
    ),
    product("AmazonECR", "EUC1-TimedStorage-ByteHrs", ("0", "0.1"), productFamily="EC2 Container Registry"),
    product("AWSSecretsManager", "EUC1-AWSSecretsManager-Secrets", ("0", "0.4"), productFamily="Secret"),
    product(LOGS, "EUC1-DataProcessing-Bytes", ("0", "0"), ("5", "0.63"), productFamily="Data Payload"),
    product(LOGS, "EUC1-TimedStorage-ByteHrs", ("0", "0.0324"), productFamily="Storage Snapshot"),
    product(LOGS, "EUC1-CW:AlarmMonitorUsage", ("0", "0.1"), productFamily="Alarm", alarmType="Standard"),
    product(LOGS, "EUC1-CW:HighResAlarmMonitorUsage", ("0", "9"), productFamily="Alarm", alarmType="High Resolution"),
    product(LOGS, "DashboardsUsageHour", ("0", "3"), productFamily="Dashboard"),
    product("awswaf", "EUC1-RequestV2-Tier1", ("0", "0.0000006"), productFamily="Web Application Firewall"),
    product("AmazonEC2", "NatGateway-Hours", ("0", "0.045"), productFamily="NAT Gateway", regionCode="us-east-1"),
]


@pytest.fixture
def pricing(monkeypatch) -> Iterator[list[str]]:
    """Answer for Frankfurt; gives what was called."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with serving(FRANKFURT) as (url, called):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        yield called


def texts(*products) -> list[str]:
    return [json.dumps(entry) for entry in products]


def test_refreshed_prices_are_those_that_an_estimate_needs(pricing, capsys):
    assert main(["prices", "--refresh", "eu-central-1"]) == 0
    out, err = capsys.readouterr()
    table = read_table(out)
    assert set(pricing) == {"AWSPriceListService.GetProducts"}
    found = estimate(app("eu-central-1"), table)
    assert found.not_priced == ()
    assert {line.charge.item.name: line.price.usd for line in found.lines if line.price} == {
        "nat.hour": Decimal("0.052"),
        "nat.gb": Decimal("0.052"),
        "ipv4.hour": Decimal("0.005"),
        "rds.db.t3.micro.multi": Decimal("0.042"),
        "rds.storage.multi": Decimal("0.274"),
        "ecr.gbMonth": Decimal("0.1"),
        "secret.month": Decimal("0.4"),
        "alb.hour": Decimal("0.027"),
        "alb.lcuHour": Decimal("0.008"),
        "fargate.vcpuHour": Decimal("0.04656"),
        "fargate.gbHour": Decimal("0.00511"),
        "logs.ingestedGB": Decimal("0.63"),
        "logs.storedGBMonth": Decimal("0.0324"),
        "alarm.month": Decimal("0.1"),
        "dashboard.month": Decimal(3),
    }
    assert table.regions["eu-central-1"]["waf.millionRequests"].usd == Decimal("0.6")
    assert table.regions["us-east-1"] == bundled().regions["us-east-1"]
    assert "eu-central-1: no clear price for" in err
    assert "s3.gbMonth" in err


def test_a_price_that_is_not_clear_is_none():
    two = texts(
        product("AmazonEC2", "EUC1-NatGateway-Hours", ("0", "0.052"), productFamily="NAT Gateway"),
        product("AmazonEC2", "EUC1-NatGateway-Hours", ("0", "0.060"), productFamily="NAT Gateway", group="other"),
    )
    found = read_products({"nat.hour": two, "nat.gb": []}, DAY)
    assert found.prices == {}
    assert set(found.unclear) == {"nat.hour", "nat.gb"}


def test_the_same_price_twice_is_clear():
    row = product("AmazonEC2", "EU-NatGateway-Hours", ("0", "0.048"), productFamily="NAT Gateway")
    [price] = read_products({"nat.hour": texts(row, row)}, DAY).prices.values()
    assert (price.usd, price.date) == (Decimal("0.048"), DAY)
    assert price.source == "Pricing API, AmazonEC2 20260925174521, SKU SKU-EU-NatGateway-Hours-"


def test_every_item_of_the_package_can_be_refreshed():
    fixed = {name for name in ITEMS if "{}" not in name}
    classes = {item for item in bundled().regions["us-east-1"] if item.startswith("rds.db.")}
    assert fixed == bundled().regions["us-east-1"].keys() - classes


def test_requests_are_of_the_shape_that_aws_knows():
    client = boto3.client("pricing", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        for item in ITEMS.values():
            stub.add_response("get_products", {"PriceList": []})
            client.get_products(**item.request("eu-central-1"))


def test_a_refusal_is_one_line(monkeypatch, capsys):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with serving([], refuse="AccessDeniedException") as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert main(["prices", "--refresh", "eu-central-1"]) == 4
    error = capsys.readouterr().err
    assert error.startswith("missyou: the Pricing API returned no prices for eu-central-1: ")
    assert "pricing:GetProducts" in error
    assert error.count("\n") == 1
