"""What RDS refuses of subnet groups and parameter groups, and the nearest that it accepts."""

from __future__ import annotations

from typing import Any

from tests.local.aws.conftest import Aws
from tests.local.aws.rules_support import Act, Place, Rule, each, hold, steps
from tests.local.aws.services.rds.rules_rds import COMBINATION, VALUE, delete


def _group(s: Place, suffix: str = "-2") -> str:
    name = s.name + suffix
    s.aws.rds.create_db_parameter_group(DBParameterGroupName=name, DBParameterGroupFamily="postgres15", Description="x")
    return name


def _subnet_group(name: str = "", **changes: Any) -> Act:
    def create(s: Place) -> None:
        params = {"DBSubnetGroupDescription": "x", "SubnetIds": s.net.subnets, **changes}
        s.aws.rds.create_db_subnet_group(DBSubnetGroupName=name or s.name, **params)

    return create


def _third_subnet(s: Place) -> str:
    made = s.aws.ec2.create_subnet(VpcId=s.net.vpc, CidrBlock="10.0.7.0/24", AvailabilityZone="us-east-1c")
    return str(s.keep("third", made["Subnet"]["SubnetId"]))


def _regroup(s: Place, subnets: list[str]) -> None:
    s.aws.rds.modify_db_subnet_group(DBSubnetGroupName=s.subnet_group, SubnetIds=subnets)


def _tune(name: str, method: str, group: str = "") -> Act:
    parameter = {"ParameterName": name, "ParameterValue": "1", "ApplyMethod": method}
    return lambda s: s.aws.rds.modify_db_parameter_group(
        DBParameterGroupName=group or s.parameter_group, Parameters=[parameter]
    )


def _gone(s: Place) -> None:
    delete(s)
    s.aws.clock.advance(s.aws.timing.rds_delete)


RULES = [
    Rule(
        "rds:CreateDBSubnetGroup",
        "the name is taken",
        "DBSubnetGroupAlreadyExists",
        "API CreateDBSubnetGroup",
        lambda s: _subnet_group(s.name.upper())(s),
        lambda s: _subnet_group(s.name + "2")(s),
        _subnet_group(),
    ),
    Rule(
        "rds:CreateDBSubnetGroup",
        "the name is reserved",
        VALUE,
        "API CreateDBSubnetGroup",
        _subnet_group("default"),
        _subnet_group("default2"),
    ),
    Rule(
        "rds:CreateDBSubnetGroup",
        "a single zone",
        "DBSubnetGroupDoesNotCoverEnoughAZs",
        "API CreateDBSubnetGroup",
        lambda s: _subnet_group(SubnetIds=s.net.subnets[:1])(s),
        _subnet_group(),
    ),
    Rule(
        "rds:CreateDBSubnetGroup",
        "an unknown subnet",
        "InvalidSubnet",
        "API CreateDBSubnetGroup",
        lambda s: _subnet_group(SubnetIds=[*s.net.subnets, "subnet-0123456789abcdef0"])(s),
        _subnet_group(),
    ),
    Rule(
        "rds:CreateDBSubnetGroup",
        "subnets of two VPCs",
        "InvalidSubnet",
        "API CreateDBSubnetGroup",
        lambda s: _subnet_group(SubnetIds=[s.net.subnets[0], Place(s.aws, s.name + "o").net.subnets[1]])(s),
        _subnet_group(),
    ),
    Rule(
        "rds:ModifyDBSubnetGroup",
        "a database is in the subnet that goes",
        "SubnetAlreadyInUse",
        "API ModifyDBSubnetGroup",
        lambda s: _regroup(s, [s.net.subnets[1], s.kept["third"]]),
        lambda s: _regroup(s, [s.net.subnets[0], s.kept["third"]]),
        steps(lambda s: s.database(DBSubnetGroupName=s.subnet_group), _third_subnet),
    ),
    Rule(
        "rds:DeleteDBSubnetGroup",
        "a database is in it, be it in deletion",
        "InvalidDBSubnetGroupStateFault",
        "API DeleteDBSubnetGroup; aws-behaviour 3.1",
        lambda s: s.aws.rds.delete_db_subnet_group(DBSubnetGroupName=s.name),
        steps(
            lambda s: s.aws.clock.advance(s.aws.timing.rds_delete),
            lambda s: s.aws.rds.delete_db_subnet_group(DBSubnetGroupName=s.name),
        ),
        steps(lambda s: s.database(DBSubnetGroupName=s.subnet_group), delete),
    ),
    Rule(
        "rds:CreateDBParameterGroup",
        "the name is taken",
        "DBParameterGroupAlreadyExists",
        "API CreateDBParameterGroup",
        _group,
        lambda s: _group(s, "-3"),
        _group,
    ),
    Rule(
        "rds:CreateDBParameterGroup",
        "two hyphens in the name",
        VALUE,
        "API CreateDBParameterGroup",
        lambda s: _group(s, "--x"),
        lambda s: _group(s, "-x"),
    ),
    Rule(
        "rds:CreateDBParameterGroup",
        "an unknown family",
        VALUE,
        "API CreateDBParameterGroup",
        lambda s: s.aws.rds.create_db_parameter_group(
            DBParameterGroupName=s.name, DBParameterGroupFamily="postgresql15", Description="x"
        ),
        lambda s: s.parameter_group,
    ),
    Rule(
        "rds:ModifyDBParameterGroup",
        "a static parameter at once",
        COMBINATION,
        "API ModifyDBParameterGroup",
        _tune("max_connections", "immediate"),
        _tune("max_connections", "pending-reboot"),
    ),
    Rule(
        "rds:ModifyDBParameterGroup",
        "it is a default group",
        VALUE,
        "RDS guide, Overview of parameter groups",
        _tune("rds.force_ssl", "pending-reboot", "default.postgres15"),
        _tune("rds.force_ssl", "pending-reboot"),
    ),
    Rule(
        "rds:DeleteDBParameterGroup",
        "a database has it",
        "InvalidDBParameterGroupState",
        "API DeleteDBParameterGroup",
        lambda s: s.aws.rds.delete_db_parameter_group(DBParameterGroupName=s.name),
        steps(_gone, lambda s: s.aws.rds.delete_db_parameter_group(DBParameterGroupName=s.name)),
        lambda s: s.database(DBParameterGroupName=s.parameter_group),
    ),
    Rule(
        "rds:DeleteDBParameterGroup",
        "it is a default group",
        VALUE,
        "API DeleteDBParameterGroup",
        lambda s: s.aws.rds.delete_db_parameter_group(DBParameterGroupName="default.postgres15"),
        lambda s: s.aws.rds.delete_db_parameter_group(DBParameterGroupName=s.parameter_group),
    ),
]


@each(RULES)
def test_it_refuses_and_accepts(aws: Aws, name: str, rule: Rule) -> None:
    hold(rule, aws, name)
