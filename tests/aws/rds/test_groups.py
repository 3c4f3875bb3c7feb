"""The life cycle of subnet and parameter groups on the test AWS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.rds.groups import DBParameterGroup, DBSubnetGroup
from missyou_operator.engine.errors import NotYetError
from tests.aws.fake import FakeEc2, aws_error, cloud_of, row_tags
from tests.aws.live import apply, changed, client, live, neighbour, observe, read, tags


def subnets() -> tuple[str, str, str]:
    """Return three subnets of one VPC. Create them if they do not exist, or another test has reset the test AWS."""
    ec2 = client("ec2")
    blocks = [f"10.9.{n}.0/24" for n in range(3)]
    found = ec2.describe_subnets(Filters=[{"Name": "cidr-block", "Values": blocks}])["Subnets"]
    if not found:
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        for block, zone in zip(blocks, "abc", strict=True):
            ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"eu-central-1{zone}")
        return subnets()
    a, b, c = sorted(found, key=lambda row: row["CidrBlock"])
    return a["SubnetId"], b["SubnetId"], c["SubnetId"]


def subnet_group(cloud: Cloud) -> DBSubnetGroup:
    name = f"{cloud.stack.name}-db"
    return DBSubnetGroup(
        name=name, component="Database", tags=tags(cloud, name), subnet_ids=subnets()[:2], description="Subnets"
    )


def parameter_group(cloud: Cloud, family: str = "postgres15") -> DBParameterGroup:
    name = f"{cloud.stack.name}-{family}"
    return DBParameterGroup(
        name=name,
        component="Database",
        tags=tags(cloud, name),
        family=family,
        parameters={"rds.force_ssl": "1"},
    )


@pytest.mark.parametrize("desired_of", [subnet_group, parameter_group])
def test_a_group_lives_its_life(desired_of: Callable[[Cloud], DBSubnetGroup | DBParameterGroup]) -> None:
    cloud = live()
    desired = desired_of(cloud)
    created = desired.create(cloud)
    found = observe(desired, cloud)
    assert desired.diff(found) == desired.diff(created) == ()
    assert (found.id, found.attrs["arn"]) == (created.id, created.attrs["arn"])
    with pytest.raises(NotYetError):
        desired.create(cloud)
    retagged = replace(desired, tags={**desired.tags, "Team": "x"})
    assert changed(retagged, found) == {"tags"}
    assert retagged.diff(apply(retagged, cloud)) == ()
    for _ in range(2):
        assert type(desired).delete(cloud, found).status == "ready"
    assert read(type(desired), cloud) == []


@pytest.mark.parametrize("desired_of", [subnet_group, parameter_group])
def test_another_owners_group_is_not_ours(desired_of: Callable[[Cloud], DBSubnetGroup | DBParameterGroup]) -> None:
    cloud = live()
    desired_of(neighbour(cloud)).create(neighbour(cloud))
    assert not observe(desired_of(cloud), cloud).owned


def test_subnets_are_a_set() -> None:
    cloud = live()
    desired = subnet_group(cloud)
    desired.create(cloud)
    a, b, c = subnets()
    found = observe(desired, cloud)
    assert replace(desired, subnet_ids=(b, a)).diff(found) == ()
    assert changed(replace(desired, subnet_ids=(a, c)), found) == {"subnet_ids"}


def test_subnets_and_description_are_written_together() -> None:
    rds = FakeEc2()
    cloud = cloud_of(rds)
    desired = subnet_group(cloud)
    found = desired.as_created("missyou-db", arn="arn").with_attrs(subnet_ids=("subnet-old",))
    after = desired.update(cloud, found, frozenset(changed(desired, found)))
    assert rds.arguments("modify_db_subnet_group") == {
        "DBSubnetGroupName": desired.name,
        "DBSubnetGroupDescription": "Subnets",
        "SubnetIds": list(subnets()[:2]),
    }
    assert desired.diff(after) == ()


def test_only_declared_parameters_count() -> None:
    cloud = live()
    desired = parameter_group(cloud)
    desired.create(cloud)

    def set_(name: str, value: str) -> None:
        parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
        client("rds").modify_db_parameter_group(DBParameterGroupName=desired.name, Parameters=[parameter])

    set_("log_statement", "all")
    assert desired.diff(observe(desired, cloud)) == ()
    set_("rds.force_ssl", "0")
    assert changed(desired, observe(desired, cloud)) == {"parameters"}
    after = apply(desired, cloud)
    assert after.attrs["parameters"]["rds.force_ssl"] == "1"
    assert after.attrs["parameters"]["log_statement"] == "all"


def test_both_groups_of_a_major_upgrade_are_found() -> None:
    cloud = live()
    for family in ("postgres15", "postgres16"):
        parameter_group(cloud, family).create(cloud)
    assert {o.name for o in read(DBParameterGroup, cloud)} == {
        f"{cloud.stack.name}-postgres15",
        f"{cloud.stack.name}-postgres16",
    }


def test_parameters_that_aws_set_are_not_read() -> None:
    name = "missyou-postgres15"
    row = {"DBParameterGroupName": name, "DBParameterGroupArn": "arn", "DBParameterGroupFamily": "postgres15"}
    rds = FakeEc2(
        describe_db_parameter_groups={"DBParameterGroups": [row]},
        list_tags_for_resource={"TagList": row_tags(name)},
        describe_db_parameters={"Parameters": [{"ParameterName": "rds.force_ssl", "ParameterValue": "1"}]},
    )
    [found] = read(DBParameterGroup, cloud_of(rds))
    assert rds.arguments("describe_db_parameters")["Source"] == "user"
    assert found.attrs["parameters"] == {"rds.force_ssl": "1"}


def test_a_static_parameter_waits_for_the_next_restart() -> None:
    def modify(**arguments: list[dict[str, str]]) -> dict[str, str]:
        if arguments["Parameters"][0]["ApplyMethod"] == "immediate":
            raise aws_error("InvalidParameterCombination", "cannot use immediate apply method for static parameter")
        return {}

    rds = FakeEc2(modify_db_parameter_group=modify)
    cloud = cloud_of(rds)
    desired = parameter_group(cloud)
    desired.update(cloud, desired.as_created(desired.name, arn="arn"), frozenset({"parameters"}))
    assert rds.operations == ["modify_db_parameter_group"] * 2


def test_a_group_in_use_is_tried_again() -> None:
    rds = FakeEc2(delete_db_subnet_group=aws_error("InvalidDBSubnetGroupStateFault"))
    cloud = cloud_of(rds)
    with pytest.raises(ClientError):
        DBSubnetGroup.delete(cloud, subnet_group(cloud).as_created("missyou-db"))
