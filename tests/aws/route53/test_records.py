"""Records of a domain, made and taken away on the test AWS."""

from __future__ import annotations

from dataclasses import replace

import pytest

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.route53.records import Validation
from missyou_operator.engine.errors import NotYetError, RefusedError
from tests.aws.live import client, live


def validation(cloud: Cloud, value: str = "_proof.acm-validations.aws.") -> Validation:
    name = f"{cloud.stack.name}.example.com"
    made = client("route53").create_hosted_zone(Name=name, CallerReference=f"{name}-{value}")
    return Validation(
        name=f"app.{name}",
        component="Domain",
        zone=made["HostedZone"]["Id"].rpartition("/")[2],
        role="",
        record_name=f"_token.app.{name}.",
        record_value=value,
    )


def left(wanted: Validation) -> list[str]:
    rows = client("route53").list_resource_record_sets(HostedZoneId=wanted.zone)["ResourceRecordSets"]
    return [row["Name"] for row in rows if row["Type"] == "CNAME"]


def test_what_was_made_a_moment_ago_and_not_looked_at_since_can_go() -> None:
    cloud = live()
    wanted = validation(cloud)
    made = wanted.create(cloud)
    assert left(wanted) == [wanted.record_name]
    assert Validation.delete(cloud, made).status == "ready"
    assert left(wanted) == []


def test_a_record_that_is_there_already_is_ours_if_its_value_is() -> None:
    cloud = live()
    wanted = validation(cloud)
    wanted.create(cloud)
    with pytest.raises(NotYetError):
        wanted.create(cloud)
    other = replace(wanted, record_value="x.")
    with pytest.raises(RefusedError, match="that is not ours"):
        other.create(cloud)
