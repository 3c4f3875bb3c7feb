"""The life cycle of a database with its credentials and groups on the test AWS."""

from __future__ import annotations

import json
from dataclasses import replace

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.rds.instance import DBInstance
from missyou_operator.aws.secretsmanager.secret import Secret
from missyou_operator.aws.secretsmanager.versions import SecretVersion
from tests.aws.live import client, eventually, live, observe, read, tags
from tests.aws.rds.test_groups import parameter_group, subnet_group


def credentials(cloud: Cloud) -> Secret:
    name = f"{cloud.stack.name}/db_credentials"
    return Secret(
        name=name,
        component="Secrets",
        tags=tags(cloud, name, "Secrets"),
        description="Credentials",
        value=None,
        username="missyou",
        salt=cloud.stack.token("secret"),
    )


def instance(cloud: Cloud, secret: str) -> DBInstance:
    name = f"{cloud.stack.name}-db"
    [group_of_subnets] = client("rds").describe_db_subnet_groups(DBSubnetGroupName=name)["DBSubnetGroups"]
    vpc = group_of_subnets["VpcId"]
    group = client("ec2").create_security_group(GroupName=name, Description="x", VpcId=vpc)["GroupId"]
    return DBInstance(
        name=name,
        component="Database",
        tags=tags(cloud, name),
        engine_version="15.4",
        instance_class="db.t3.micro",
        storage_gib=20,
        max_storage_gib=100,
        multi_az=True,
        backup_retention_days=7,
        performance_insights=True,
        deletion_protection=True,
        database_name="missyou",
        username="missyou",
        credentials=secret,
        subnet_group=name,
        parameter_group=f"{cloud.stack.name}-postgres15",
        security_group_ids=(group,),
    )


def test_from_nothing_to_nothing() -> None:
    cloud = live()
    secret = credentials(cloud).create(cloud)
    subnet_group(cloud).create(cloud)
    parameter_group(cloud).create(cloud)
    desired = instance(cloud, secret.id)
    created = desired.create(cloud)
    assert desired.diff(created) == ()
    eventually(lambda: desired.health(observe(desired, cloud)).status == "ready")
    found = observe(desired, cloud)
    assert desired.diff(found) == ()
    assert found.attrs["running_version"] == "15.13"

    version = SecretVersion(
        name=f"{cloud.stack.name}/db_credentials",
        component="Secrets",
        secret=secret.id,
        host=found.attrs["endpoint"],
        port=found.attrs["port"],
        username="missyou",
        database="missyou",
        sslmode="verify-full",
        salt=cloud.stack.token("secret"),
    )
    version.create(cloud)
    content = json.loads(client("secretsmanager").get_secret_value(SecretId=secret.id)["SecretString"])
    host, password = found.attrs["endpoint"], content["password"]
    assert content["DATABASE_URL"] == f"postgresql://missyou:{password}@{host}:5432/missyou?sslmode=verify-full"

    larger = replace(desired, storage_gib=40, instance_class="db.t3.small", deletion_protection=False)
    changed = frozenset(change.field for change in larger.diff(found))
    assert changed == {"storage_gib", "instance_class", "deletion_protection", "tags"}
    larger.update(cloud, found, changed)
    eventually(lambda: larger.health(observe(larger, cloud)).status == "ready")
    assert larger.diff(observe(larger, cloud)) == ()

    client("rds").modify_db_instance(DBInstanceIdentifier=desired.name, DeletionProtection=True)
    DBInstance.delete(cloud, observe(larger, cloud))
    eventually(lambda: read(DBInstance, cloud) == [])
    [snapshot] = client("rds").describe_db_snapshots(DBInstanceIdentifier=desired.name)["DBSnapshots"]
    assert snapshot["DBSnapshotIdentifier"].startswith(f"{desired.name}-final-")
