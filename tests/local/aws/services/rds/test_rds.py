"""Databases take their time, refuse what is untimely, and read back as they were set."""

from __future__ import annotations

import pytest

from tests.local.aws import building
from tests.local.aws.conftest import Aws, Refused


def _describe(aws: Aws, name: str) -> dict:
    return aws.rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def _ready(aws: Aws, name: str, **changes: object) -> dict:
    building.database(aws, name, **changes)
    aws.clock.advance(aws.timing.rds)
    return _describe(aws, name)


def test_creation_takes_time_and_the_endpoint_comes_late(aws: Aws, name: str, refused: Refused) -> None:
    made = building.database(aws, name.upper())
    assert (made["DBInstanceIdentifier"], made["DBInstanceStatus"]) == (name, "creating")
    assert "Endpoint" not in made
    for act in (
        lambda: aws.rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=True),
        lambda: aws.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True),
    ):
        with refused("InvalidDBInstanceState"):
            act()
    aws.clock.advance(aws.timing.rds * 0.9)
    late = _describe(aws, name)
    assert late["DBInstanceStatus"] == "creating"
    assert late["Endpoint"]["Address"].startswith(name + ".")
    aws.clock.advance(aws.timing.rds)
    assert _describe(aws, name)["DBInstanceStatus"] == "available"


def test_all_that_was_set_reads_back(aws: Aws, name: str) -> None:
    net = building.network(aws, name)
    aws.rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=net.subnets)
    aws.rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="x")
    same = {
        "MultiAZ": True,
        "StorageType": "gp3",
        "AllocatedStorage": 20,
        "MaxAllocatedStorage": 100,
        "StorageEncrypted": True,
        "CopyTagsToSnapshot": True,
        "DeletionProtection": True,
        "BackupRetentionPeriod": 7,
        "DBName": "missyou",
        "EngineVersion": "15.16",
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": False,
    }
    shown = _ready(
        aws,
        name,
        **same,
        EnablePerformanceInsights=True,
        EnableCloudwatchLogsExports=["postgresql", "upgrade"],
        DBSubnetGroupName=name,
        DBParameterGroupName=name,
        VpcSecurityGroupIds=[net.group],
        Tags=[{"Key": "owner", "Value": name}],
    )
    assert {key: shown[key] for key in same} == same
    assert shown["PerformanceInsightsEnabled"] is True
    assert shown["EnabledCloudwatchLogsExports"] == ["postgresql", "upgrade"]
    assert shown["DBSubnetGroup"]["DBSubnetGroupName"] == name
    assert [group["DBParameterGroupName"] for group in shown["DBParameterGroups"]] == [name]
    assert [group["VpcSecurityGroupId"] for group in shown["VpcSecurityGroups"]] == [net.group]
    assert shown["TagList"] == [{"Key": "owner", "Value": name}]
    assert {shown["AvailabilityZone"], shown["SecondaryAvailabilityZone"]} == {"us-east-1a", "us-east-1b"}
    assert shown["Endpoint"]["Port"] == 5432


def test_a_modification_takes_time(aws: Aws, name: str, refused: Refused) -> None:
    _ready(aws, name)
    reply = aws.rds.modify_db_instance(
        DBInstanceIdentifier=name, AllocatedStorage=50, DBInstanceClass="db.t3.small", ApplyImmediately=True
    )["DBInstance"]
    assert reply["DBInstanceStatus"] == "modifying"
    assert reply["PendingModifiedValues"] == {"AllocatedStorage": 50, "DBInstanceClass": "db.t3.small"}
    assert reply["AllocatedStorage"] == 20
    with refused("InvalidDBInstanceState"):
        aws.rds.modify_db_instance(DBInstanceIdentifier=name, BackupRetentionPeriod=3)
    aws.clock.advance(aws.timing.rds_modify)
    shown = _describe(aws, name)
    assert (shown["DBInstanceStatus"], shown["AllocatedStorage"]) == ("available", 50)
    assert (shown["DBInstanceClass"], shown["PendingModifiedValues"]) == ("db.t3.small", {})


def test_without_apply_immediately_it_stays_pending(aws: Aws, name: str) -> None:
    _ready(aws, name)
    aws.rds.modify_db_instance(DBInstanceIdentifier=name, DBInstanceClass="db.t3.small")
    aws.clock.advance(3600)
    shown = _describe(aws, name)
    assert (shown["DBInstanceClass"], shown["DBInstanceStatus"]) == ("db.t3.micro", "available")
    assert shown["PendingModifiedValues"] == {"DBInstanceClass": "db.t3.small"}
    aws.rds.modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True)  # flushes what is queued
    aws.clock.advance(aws.timing.rds_modify)
    assert _describe(aws, name)["DBInstanceClass"] == "db.t3.small"


def test_log_exports_and_insights_change(aws: Aws, name: str) -> None:
    _ready(aws, name, EnableCloudwatchLogsExports=["upgrade"])
    changed = aws.rds.modify_db_instance(
        DBInstanceIdentifier=name,
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"], "DisableLogTypes": ["upgrade", "absent"]},
        EnablePerformanceInsights=True,
    )["DBInstance"]
    assert changed["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert changed["PerformanceInsightsEnabled"] is True


def test_deletion_is_protected_and_takes_time(aws: Aws, name: str, refused: Refused) -> None:
    _ready(aws, name, DeletionProtection=True)
    delete = {"DBInstanceIdentifier": name, "SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": f"{name}-final"}
    with refused("InvalidParameterCombination", "Cannot delete protected"):
        aws.rds.delete_db_instance(**delete)
    aws.rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False)
    assert aws.rds.delete_db_instance(**delete)["DBInstance"]["DBInstanceStatus"] == "deleting"
    with refused("InvalidDBInstanceState", "already being deleted"):
        aws.rds.delete_db_instance(**delete)
    assert _describe(aws, name)["DBInstanceStatus"] == "deleting"
    aws.clock.advance(aws.timing.rds_delete)
    with refused("DBInstanceNotFound"):
        _describe(aws, name)
    assert aws.rds.describe_db_snapshots(DBSnapshotIdentifier=f"{name}-final")["DBSnapshots"]


@pytest.mark.parametrize("final", [{}, {"SkipFinalSnapshot": True, "FinalDBSnapshotIdentifier": "x"}])
def test_deletion_needs_one_word_on_the_snapshot(aws: Aws, name: str, refused: Refused, final: dict) -> None:
    _ready(aws, name)
    with refused("InvalidParameterCombination", "FinalDBSnapshotIdentifier"):
        aws.rds.delete_db_instance(DBInstanceIdentifier=name, **final)


def test_what_a_database_uses_stays_until_it_is_gone(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    aws.rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="x", SubnetIds=net.subnets)
    aws.rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="x")
    _ready(aws, name, DBSubnetGroupName=name, DBParameterGroupName=name, VpcSecurityGroupIds=[net.group], MultiAZ=True)
    enis = aws.ec2.describe_network_interfaces(Filters=[{"Name": "group-id", "Values": [net.group]}])
    assert [eni["Description"] for eni in enis["NetworkInterfaces"]] == ["RDSNetworkInterface"] * 2
    aws.rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
    deletions = {
        "InvalidDBSubnetGroupStateFault": lambda: aws.rds.delete_db_subnet_group(DBSubnetGroupName=name),
        "InvalidDBParameterGroupState": lambda: aws.rds.delete_db_parameter_group(DBParameterGroupName=name),
        "DependencyViolation": lambda: aws.ec2.delete_security_group(GroupId=net.group),
    }
    for code, delete in deletions.items():
        with refused(code):
            delete()
    aws.clock.advance(aws.timing.rds_delete)
    with refused("DependencyViolation"):  # its interfaces outlive it
        deletions["DependencyViolation"]()
    aws.clock.advance(aws.timing.eni)
    for delete in deletions.values():
        delete()


BAD = {
    "password has a slash": ({"MasterUserPassword": "long/enough"}, "InvalidParameterValue"),
    "password too short": ({"MasterUserPassword": "short"}, "InvalidParameterValue"),
    "no password": ({"MasterUserPassword": None}, "InvalidParameterValue"),
    "reserved user": ({"MasterUsername": "rdsadmin"}, "InvalidParameterValue"),
    "reserved database": ({"DBName": "db"}, "InvalidParameterValue"),
    "retired version": ({"EngineVersion": "15.4"}, "InvalidParameterCombination"),
    "unknown class": ({"DBInstanceClass": "db.nope.large"}, "InvalidParameterValue"),
    "little storage": ({"AllocatedStorage": 5}, "InvalidParameterCombination"),
    "low maximum": ({"MaxAllocatedStorage": 20}, "InvalidParameterCombination"),
    "long retention": ({"BackupRetentionPeriod": 99}, "InvalidParameterValue"),
    "unknown group": ({"VpcSecurityGroupIds": ["sg-0"]}, "InvalidParameterValue"),
    "zone and Multi-AZ": ({"MultiAZ": True, "AvailabilityZone": "us-east-1a"}, "InvalidParameterCombination"),
    "throughput of little gp3": ({"StorageType": "gp3", "StorageThroughput": 250}, "InvalidParameterCombination"),
    "bad name": ({"DBInstanceIdentifier": "a--b"}, "InvalidParameterValue"),
    "unknown subnet group": ({"DBSubnetGroupName": "absent"}, "DBSubnetGroupNotFoundFault"),
    "unknown parameter group": ({"DBParameterGroupName": "absent"}, "DBParameterGroupNotFound"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_databases_are_refused(aws: Aws, name: str, refused: Refused, case: str) -> None:
    changes, code = BAD[case]
    with refused(code):
        building.database(aws, name, **changes)


def test_the_version_gone_says_so(aws: Aws, name: str, refused: Refused) -> None:
    with refused("InvalidParameterCombination", "Cannot find version 15.4 for postgres"):
        building.database(aws, name, EngineVersion="15.4")


def test_a_parameter_group_must_be_of_the_family(aws: Aws, name: str, refused: Refused) -> None:
    aws.rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres16", Description="x")
    with refused("InvalidParameterCombination", "postgres15"):
        building.database(aws, name, DBParameterGroupName=name)


BAD_CHANGES = {
    "less storage": ({"AllocatedStorage": 30}, "InvalidParameterCombination"),
    "a little more storage": ({"AllocatedStorage": 52}, "InvalidParameterCombination"),
    "older version": ({"EngineVersion": "15.15"}, "InvalidParameterCombination"),
    "older major": ({"EngineVersion": "14.20"}, "InvalidParameterCombination"),
    "major without leave": ({"EngineVersion": "16.13"}, "InvalidParameterCombination"),
    "bad password": ({"MasterUserPassword": "p@ssword-p@ssword"}, "InvalidParameterValue"),
}


@pytest.mark.parametrize("case", BAD_CHANGES)
def test_bad_changes_are_refused(aws: Aws, name: str, refused: Refused, case: str) -> None:
    changes, code = BAD_CHANGES[case]
    _ready(aws, name, AllocatedStorage=50)
    with refused(code):
        aws.rds.modify_db_instance(DBInstanceIdentifier=name, ApplyImmediately=True, **changes)


def test_a_bare_major_means_its_default_minor(aws: Aws, name: str) -> None:
    default = aws.rds.describe_db_engine_versions(Engine="postgres", EngineVersion="15", DefaultOnly=True)
    wanted = default["DBEngineVersions"][0]["EngineVersion"]
    assert building.database(aws, name, EngineVersion="15")["EngineVersion"] == wanted


def test_a_minor_upgrade(aws: Aws, name: str) -> None:
    _ready(aws, name, EngineVersion="15.14")
    aws.rds.modify_db_instance(DBInstanceIdentifier=name, EngineVersion="15.17", ApplyImmediately=True)
    aws.clock.advance(aws.timing.rds_modify)
    assert _describe(aws, name)["EngineVersion"] == "15.17"


def test_subnet_groups(aws: Aws, name: str, refused: Refused) -> None:
    net = building.network(aws, name)
    wanted = {"DBSubnetGroupName": name, "DBSubnetGroupDescription": "x"}
    with refused("DBSubnetGroupDoesNotCoverEnoughAZs"):
        aws.rds.create_db_subnet_group(**wanted, SubnetIds=net.subnets[:1])
    with refused("InvalidSubnet"):
        aws.rds.create_db_subnet_group(**wanted, SubnetIds=[*net.subnets, "subnet-0"])
    aws.rds.create_db_subnet_group(**wanted, SubnetIds=net.subnets)
    with refused("DBSubnetGroupAlreadyExists"):
        aws.rds.create_db_subnet_group(**wanted, SubnetIds=net.subnets)
    with refused("InvalidParameterValue"):
        aws.rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="pg15", Description="x")


def test_tags_change(aws: Aws, name: str) -> None:
    arn = _ready(aws, name)["DBInstanceArn"]
    aws.rds.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "a", "Value": "b"}])
    assert _describe(aws, name)["TagList"] == [{"Key": "a", "Value": "b"}]
