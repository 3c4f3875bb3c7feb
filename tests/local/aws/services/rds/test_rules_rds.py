"""What RDS refuses of new databases, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws import building
from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import ACCOUNT, Place, Rule, each, hold
from tests.local.aws.services.rds.rules_rds import COMBINATION, VALUE, create


def _bad(
    says: str, code: str, refused: dict[str, Any], accepted: dict[str, Any], source: str = "API CreateDBInstance"
) -> Rule:
    """A parameter that CreateDBInstance refuses."""
    return Rule("rds:CreateDBInstance", says, code, source, create(**refused), create(**accepted))


RULES = [
    Rule(
        "rds:CreateDBInstance",
        "the name is taken",
        "DBInstanceAlreadyExists",
        "API CreateDBInstance",
        lambda s: building.database(s.aws, s.name.upper()),
        lambda s: building.database(s.aws, s.name + "-2"),
        create(),
    ),
    _bad("two hyphens in the name", VALUE, {"DBInstanceIdentifier": "c--d"}, {"DBInstanceIdentifier": "c-d"}),
    _bad("a name that ends with a hyphen", VALUE, {"DBInstanceIdentifier": "c-"}, {"DBInstanceIdentifier": "c-e"}),
    _bad("a name that begins with a digit", VALUE, {"DBInstanceIdentifier": "1c"}, {"DBInstanceIdentifier": "c1"}),
    _bad("a name of 64 characters", VALUE, {"DBInstanceIdentifier": "x" * 64}, {"DBInstanceIdentifier": "x" * 63}),
    _bad(
        "a tag that starts with rds:",
        VALUE,
        {"Tags": [{"Key": "rds:team", "Value": "x"}]},
        {"Tags": [{"Key": "team:rds", "Value": "x"}]},
        "API Tag",
    ),
    _bad("a password of 7 characters", VALUE, {"MasterUserPassword": "1234567"}, {"MasterUserPassword": "12345678"}),
    _bad("a password of 129", VALUE, {"MasterUserPassword": "x" * 129}, {"MasterUserPassword": "x" * 128}),
    *(
        _bad(
            f"a password with {character}",
            VALUE,
            {"MasterUserPassword": f"long{character}enough"},
            {"MasterUserPassword": "long~!#$%^&*()enough"},
            source,
        )
        for character, source in (
            ("/", "API CreateDBInstance"),
            ('"', "API CreateDBInstance"),
            ("@", "API CreateDBInstance"),
            (" ", "RDS guide, Constraints for passwords"),
            ("'", "RDS guide, the stricter reading"),
            ("é", "API CreateDBInstance"),
        )
    ),
    _bad("a reserved user", VALUE, {"MasterUsername": "rdsadmin"}, {"MasterUsername": "rdsadmins"}),
    _bad("a user that begins with a digit", VALUE, {"MasterUsername": "1user"}, {"MasterUsername": "user1"}),
    _bad(
        "a user of 17 characters",
        VALUE,
        {"MasterUsername": "x" * 17},
        {"MasterUsername": "x" * 16},
        "API CreateDBInstance, the stricter reading",
    ),
    _bad("a reserved database name", VALUE, {"DBName": "db"}, {"DBName": "db1"}),
    _bad("a hyphen in the database name", VALUE, {"DBName": "a-b"}, {"DBName": "a_b"}),
    _bad("less than 20 GiB of gp3", COMBINATION, {"AllocatedStorage": 19}, {"AllocatedStorage": 20}),
    _bad("more than 64 TiB", COMBINATION, {"AllocatedStorage": 65_537}, {"AllocatedStorage": 65_536}),
    _bad("a maximum too near", COMBINATION, {"MaxAllocatedStorage": 21}, {"MaxAllocatedStorage": 22}),
    _bad("IOPS for little gp3", COMBINATION, {"Iops": 12_000}, {"Iops": 12_000, "AllocatedStorage": 400}),
    _bad("a retention of 36 days", VALUE, {"BackupRetentionPeriod": 36}, {"BackupRetentionPeriod": 35}),
    _bad("an unknown class", VALUE, {"DBInstanceClass": "db.nope.micro"}, {"DBInstanceClass": "db.t4g.micro"}),
    _bad("a version gone", COMBINATION, {"EngineVersion": "15.4"}, {"EngineVersion": "15.16"}, "aws-behaviour 3.4"),
    _bad(
        "a zone, and Multi-AZ",
        COMBINATION,
        {"MultiAZ": True, "AvailabilityZone": "us-east-1a"},
        {"MultiAZ": True},
    ),
    _bad("port 1149", VALUE, {"Port": 1149}, {"Port": 1150}),
    _bad(
        "a backup window of 29 minutes",
        VALUE,
        {"PreferredBackupWindow": "03:00-03:29"},
        {"PreferredBackupWindow": "03:00-03:30"},
    ),
    _bad(
        "a backup window that is none",
        VALUE,
        {"PreferredBackupWindow": "3:00-4:00"},
        {"PreferredBackupWindow": "03:00-04:00"},
    ),
    _bad(
        "a maintenance window of an unknown day",
        VALUE,
        {"PreferredMaintenanceWindow": "mo:03:00-mo:04:00"},
        {"PreferredMaintenanceWindow": "Mon:03:00-Mon:04:00"},
    ),
    _bad(
        "windows that overlap",
        VALUE,
        {"PreferredBackupWindow": "23:30-00:30", "PreferredMaintenanceWindow": "tue:00:00-tue:01:00"},
        {"PreferredBackupWindow": "23:30-00:30", "PreferredMaintenanceWindow": "tue:00:31-tue:01:01"},
    ),
    _bad("an odd monitoring interval", VALUE, {"MonitoringInterval": 20}, {"MonitoringInterval": 0}),
    _bad("monitoring without a role", COMBINATION, {"MonitoringInterval": 60}, {"MonitoringInterval": 0}),
    Rule(
        "rds:CreateDBInstance",
        "monitoring with a role that does not exist",
        VALUE,
        "aws-behaviour 3.3, 4.3",
        create(MonitoringInterval=60, MonitoringRoleArn=f"arn:aws:iam::{ACCOUNT}:role/absent"),
        lambda s: building.database(
            s.aws, s.name, MonitoringInterval=60, MonitoringRoleArn=f"arn:aws:iam::{ACCOUNT}:role/{s.role}"
        ),
    ),
    _bad(
        "a retention of insights that is not offered",
        VALUE,
        {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 94},
        {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 93},
    ),
    _bad(
        "a retention of insights, without insights",
        COMBINATION,
        {"PerformanceInsightsRetentionPeriod": 7},
        {"EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 7},
    ),
    _bad(
        "an unknown kind of log",
        COMBINATION,
        {"EnableCloudwatchLogsExports": ["error"]},
        {"EnableCloudwatchLogsExports": ["postgresql", "upgrade"]},
    ),
    Rule(
        "rds:CreateDBInstance",
        "a security group of another VPC",
        COMBINATION,
        "RDS guide, Working with a DB instance in a VPC",
        lambda s: create(DBSubnetGroupName=s.subnet_group, VpcSecurityGroupIds=[Place(s.aws, s.name + "o").net.group])(
            s
        ),
        lambda s: create(DBSubnetGroupName=s.subnet_group, VpcSecurityGroupIds=[s.net.group])(s),
        words="different VPCs",
    ),
    Rule(
        "rds:CreateDBInstance",
        "an unknown subnet group",
        "DBSubnetGroupNotFoundFault",
        "API CreateDBInstance",
        create(DBSubnetGroupName="absent"),
        lambda s: create(DBSubnetGroupName=s.subnet_group.upper())(s),
        status=404,
    ),
    Rule(
        "rds:CreateDBInstance",
        "a parameter group of another family",
        COMBINATION,
        "API CreateDBInstance",
        lambda s: create(DBParameterGroupName=s.parameter_group, EngineVersion="16")(s),
        lambda s: create(DBParameterGroupName=s.parameter_group, EngineVersion="15")(s),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
