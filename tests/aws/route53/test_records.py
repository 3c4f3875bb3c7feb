"""Records of a domain, created and deleted on the test AWS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.route53.claim import beside, heritage
from missyou_operator.aws.route53.records import Validation
from missyou_operator.engine.errors import NotYetError, RefusedError
from tests.aws.live import client, live


def validation(cloud: Cloud, value: str = "_proof.acm-validations.aws.") -> Validation:
    name = f"{cloud.stack.name}.example.com"
    created = client("route53").create_hosted_zone(Name=name, CallerReference=f"{name}-{value}")
    return Validation(
        name=f"app.{name}",
        component="Domain",
        zone=created["HostedZone"]["Id"].rpartition("/")[2],
        role="",
        owner=heritage(cloud.stack),
        record_name=f"_token.app.{name}.",
        record_value=value,
    )


def left(desired: Validation) -> list[str]:
    rows = client("route53").list_resource_record_sets(HostedZoneId=desired.zone)["ResourceRecordSets"]
    return [row["Name"].removesuffix(".") for row in rows if row["Type"] in {"CNAME", "TXT"}]


def test_a_record_created_since_the_last_read_can_be_deleted() -> None:
    cloud = live()
    desired = validation(cloud)
    created = desired.create(cloud)
    name = desired.record_name.removesuffix(".")
    assert sorted(left(desired)) == [beside(name), name]
    assert Validation.delete(cloud, created).status == "ready"
    assert left(desired) == []


def test_an_existing_record_is_ours_if_its_value_is() -> None:
    cloud = live()
    desired = validation(cloud)
    desired.create(cloud)
    with pytest.raises(NotYetError):
        desired.create(cloud)
    other = replace(desired, record_value="x.")
    with pytest.raises(RefusedError, match="that is not ours"):
        other.create(cloud)
