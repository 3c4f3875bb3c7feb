"""What is looked up before a stack is built, declared from the spec alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from missyou_operator.aws.ec2.vpc import Subnet
from missyou_operator.engine.resource import Observed
from missyou_operator.stack.backups import SnapshotRequest
from missyou_operator.stack.lookups import DataSources

from .specs import LOOKUPS, SPECS, STACK, app, graph

#: Types of the stack's own whose readers want the desired names.
BY_NAME = {"acm.Certificate", "ec2.FlowLog", "ecr.Repository", "s3.Bucket", "secretsmanager.Secret", "rds.DBSnapshot"}
#: No resource, but the log that a diagnosis quotes.
_LOG = "ecs.Log"


def sources(request: str = "", **spec) -> DataSources:
    return DataSources(app(**spec), STACK, SnapshotRequest(request))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("request_", ["", "before-v2"])
def test_the_lookups_are_the_externals_and_names_of_the_graph(spec, request_):
    built, looked_up = graph(replace(LOOKUPS, snapshot=request_), **spec), sources(request_, **spec)
    assert {each.address: each for each in looked_up.externals} == {
        each.address: each for each in built if each.EXTERNAL
    }
    names = {(type_, name) for type_, names in looked_up.names.items() if type_ != _LOG for name in names}
    assert names == {(each.TYPE, each.name) for each in built if each.EXTERNAL or each.TYPE in BY_NAME}


def test_the_log_of_the_tasks_is_read_only_where_it_may_be_quoted():
    assert sources().names[_LOG] == [f"/ecs/{STACK.name}"]
    assert _LOG not in sources(monitoring={"quoteLogs": False}).names


def test_zones_in_use_are_those_of_the_subnets_that_are_left():
    subnet = Observed(Subnet, "missyou-db-b", "subnet-1", {"zone": "eu-central-1c"})
    assert sources().zones_in_use({subnet.address: (subnet,)}) == ("", "eu-central-1c")
    assert sources().zones_in_use({}) == ("", "")
