"""Subnet and parameter groups live their life on the test AWS."""

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
    """Find three subnets of one VPC; make them where there are none, or another test has reset the test AWS."""
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


@pytest.mark.parametrize("wanted_of", [subnet_group, parameter_group])
def test_a_group_lives_its_life(wanted_of: Callable[[Cloud], DBSubnetGroup | DBParameterGroup]) -> None:
    cloud = live()
    wanted = wanted_of(cloud)
    made = wanted.create(cloud)
    found = observe(wanted, cloud)
    assert wanted.diff(found) == wanted.diff(made) == ()
    assert (found.id, found.attrs["arn"]) == (made.id, made.attrs["arn"])
    with pytest.raises(NotYetError):
        wanted.create(cloud)
    retagged = replace(wanted, tags={**wanted.tags, "Team": "x"})
    assert changed(retagged, found) == {"tags"}
    assert retagged.diff(apply(retagged, cloud)) == ()
    for _ in range(2):
        assert type(wanted).delete(cloud, found).status == "ready"
    assert read(type(wanted), cloud) == []


@pytest.mark.parametrize("wanted_of", [subnet_group, parameter_group])
def test_another_owners_group_is_not_ours(wanted_of: Callable[[Cloud], DBSubnetGroup | DBParameterGroup]) -> None:
    cloud = live()
    wanted_of(neighbour(cloud)).create(neighbour(cloud))
    assert not observe(wanted_of(cloud), cloud).owned


def test_subnets_are_a_set() -> None:
    cloud = live()
    wanted = subnet_group(cloud)
    wanted.create(cloud)
    a, b, c = subnets()
    found = observe(wanted, cloud)
    assert replace(wanted, subnet_ids=(b, a)).diff(found) == ()
    assert changed(replace(wanted, subnet_ids=(a, c)), found) == {"subnet_ids"}


def test_subnets_and_description_are_written_together() -> None:
    rds = FakeEc2()
    cloud = cloud_of(rds)
    wanted = subnet_group(cloud)
    found = wanted.as_created("missyou-db", arn="arn").with_attrs(subnet_ids=("subnet-old",))
    after = wanted.update(cloud, found, frozenset(changed(wanted, found)))
    assert rds.arguments("modify_db_subnet_group") == {
        "DBSubnetGroupName": wanted.name,
        "DBSubnetGroupDescription": "Subnets",
        "SubnetIds": list(subnets()[:2]),
    }
    assert wanted.diff(after) == ()


def test_only_declared_parameters_count() -> None:
    cloud = live()
    wanted = parameter_group(cloud)
    wanted.create(cloud)

    def set_(name: str, value: str) -> None:
        parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
        client("rds").modify_db_parameter_group(DBParameterGroupName=wanted.name, Parameters=[parameter])

    set_("log_statement", "all")
    assert wanted.diff(observe(wanted, cloud)) == ()
    set_("rds.force_ssl", "0")
    assert changed(wanted, observe(wanted, cloud)) == {"parameters"}
    after = apply(wanted, cloud)
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
    wanted = parameter_group(cloud)
    wanted.update(cloud, wanted.as_created(wanted.name, arn="arn"), frozenset({"parameters"}))
    assert rds.operations == ["modify_db_parameter_group"] * 2


def test_a_group_in_use_is_tried_again() -> None:
    rds = FakeEc2(delete_db_subnet_group=aws_error("InvalidDBSubnetGroupStateFault"))
    cloud = cloud_of(rds)
    with pytest.raises(ClientError):
        DBSubnetGroup.delete(cloud, subnet_group(cloud).as_created("missyou-db"))
