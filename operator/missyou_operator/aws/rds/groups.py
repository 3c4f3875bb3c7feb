"""The subnet and parameter groups of a database. Behaviour: RDS API reference, DB subnet and DB parameter groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Cloud
from missyou_operator.aws.errors import code_of, gone
from missyou_operator.aws.idempotency import creating
from missyou_operator.aws.identity import tag_list, tag_map
from missyou_operator.aws.informer import SLOW, TAGS, Source
from missyou_operator.aws.listing import Named
from missyou_operator.aws.permissions import Grant, change, make, observe
from missyou_operator.aws.rds.rows import retag
from missyou_operator.aws.reader import Reader
from missyou_operator.engine.comparators import as_set, compare, includes
from missyou_operator.engine.effects import Effect, Effects
from missyou_operator.engine.resource import Health, Observed
from missyou_operator.engine.values import Ref


def _tags(reader: Reader, arn: str) -> dict[str, str]:
    return tag_map(reader.detail(TAGS, "rds", "list_tags_for_resource", ResourceName=arn).get("TagList"))


@dataclass(frozen=True, kw_only=True)
class DBSubnetGroup(Named):
    """The subnets of a database, in at least two availability zones."""

    TYPE: ClassVar[str] = "rds.DBSubnetGroup"
    LISTING = Source("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName")
    COMPARED = compare("description", subnet_ids=as_set)
    # The instance must be gone, not merely `deleting`.
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("rds.DBInstance",)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    EFFECTS = Effects(
        Effect("CreateDBSubnetGroup"), Effect("DeleteDBSubnetGroup"), update=Effect("ModifyDBSubnetGroup", 5)
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("rds:DescribeDBSubnetGroups"),
        observe("rds:ListTagsForResource", on=("rds:subgrp:{rds.DBSubnetGroup}",)),
        make("rds:CreateDBSubnetGroup", "rds:AddTagsToResource", on=("rds:subgrp:{rds.DBSubnetGroup}",)),
        change(
            "rds:ModifyDBSubnetGroup",
            "rds:DeleteDBSubnetGroup",
            "rds:RemoveTagsFromResource",
            on=("rds:subgrp:{rds.DBSubnetGroup}",),
        ),
    )

    subnet_ids: tuple[str | Ref, ...]
    description: str

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        name = row["DBSubnetGroupName"]
        attrs = {
            "id": name,
            "arn": row["DBSubnetGroupArn"],
            "subnet_ids": tuple(sorted(subnet["SubnetIdentifier"] for subnet in row.get("Subnets", ()))),
            "description": row.get("DBSubnetGroupDescription"),
        }
        state = row.get("SubnetGroupStatus", "Complete")
        return reader.observed(cls, name, name, attrs, _tags(reader, attrs["arn"]), state)

    def create(self, cloud: Cloud) -> Observed:
        """Create it; it is complete at once."""
        with creating(self.address):
            answer = cloud.client("rds").create_db_subnet_group(
                DBSubnetGroupName=self.name,
                DBSubnetGroupDescription=self.description,
                SubnetIds=list(self.subnet_ids),
                Tags=tag_list(self.tags),
            )
        return self.as_created(self.name, "Complete", arn=answer["DBSubnetGroup"]["DBSubnetGroupArn"])

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set subnets and description (AWS accepts only both together), and tags."""
        rds = cloud.client("rds")
        if changed - {"tags"}:
            rds.modify_db_subnet_group(
                DBSubnetGroupName=self.name,
                DBSubnetGroupDescription=self.description,
                SubnetIds=list(self.subnet_ids),
            )
        if "tags" in changed:
            retag(cloud, self, observed)
        return self.as_desired(observed)

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it. AWS refuses while an instance is in it; the next pass retries."""
        return gone(lambda: cloud.client("rds").delete_db_subnet_group(DBSubnetGroupName=observed.id))


@dataclass(frozen=True, kw_only=True)
class DBParameterGroup(Named):
    """The parameters of a database. Parameters that AWS or others set are not compared."""

    TYPE: ClassVar[str] = "rds.DBParameterGroup"
    # A stack has two during a major upgrade.
    LISTING = Source("rds", "describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName")
    COMPARED = compare("family", parameters=includes)
    FORCES_REPLACEMENT: ClassVar[frozenset[str]] = frozenset({"family"})
    DELETE_AFTER: ClassVar[tuple[str, ...]] = ("rds.DBInstance",)
    READ_AFTER: ClassVar[tuple[str, ...]] = ("ec2.Vpc",)
    EFFECTS = Effects(
        Effect("CreateDBParameterGroup"),
        Effect("DeleteDBParameterGroup"),
        fields={
            # Those of the stack are dynamic. RDS User Guide, "Working with parameter groups".
            "parameters": Effect("ModifyDBParameterGroup", 60)
        },
    )
    PERMISSIONS: ClassVar[tuple[Grant, ...]] = (
        observe("rds:DescribeDBParameterGroups"),
        observe("rds:ListTagsForResource", "rds:DescribeDBParameters", on=("rds:pg:{rds.DBParameterGroup}",)),
        make("rds:CreateDBParameterGroup", "rds:AddTagsToResource", on=("rds:pg:{rds.DBParameterGroup}",)),
        change(
            "rds:ModifyDBParameterGroup",
            "rds:DeleteDBParameterGroup",
            "rds:RemoveTagsFromResource",
            on=("rds:pg:{rds.DBParameterGroup}",),
        ),
    )

    family: str
    parameters: Mapping[str, str]

    @classmethod
    def _observed(cls, reader: Reader, row: Mapping[str, Any]) -> Observed:
        name = row["DBParameterGroupName"]
        tags = _tags(reader, row["DBParameterGroupArn"])
        attrs = {"id": name, "arn": row["DBParameterGroupArn"], "family": row["DBParameterGroupFamily"]}
        if reader.owns(cls, name, tags):
            which = {"DBParameterGroupName": name, "Source": "user"}
            rows = reader.detail_rows(SLOW, "rds", "describe_db_parameters", "Parameters", **which)
            attrs["parameters"] = {row["ParameterName"]: row.get("ParameterValue") for row in rows}
        return reader.observed(cls, name, name, attrs, tags)

    def create(self, cloud: Cloud) -> Observed:
        """Create it and set its parameters, which apply to an instance from its first start."""
        rds = cloud.client("rds")
        with creating(self.address):
            answer = rds.create_db_parameter_group(
                DBParameterGroupName=self.name,
                DBParameterGroupFamily=self.family,
                Description=f"PostgreSQL parameters of {cloud.stack.app}",
                Tags=tag_list(self.tags),
            )
        self._set(cloud, "pending-reboot")
        return self.as_created(self.name, arn=answer["DBParameterGroup"]["DBParameterGroupArn"])

    def update(self, cloud: Cloud, observed: Observed, changed: frozenset[str]) -> Observed:
        """Set the parameters, immediately if PostgreSQL can apply them without a restart."""
        if "parameters" in changed:
            try:
                self._set(cloud, "immediate")
            except ClientError as error:
                # One of them is static: it takes effect at the next restart.
                if code_of(error) != "InvalidParameterCombination":
                    raise
                self._set(cloud, "pending-reboot")
        if "tags" in changed:
            retag(cloud, self, observed)
        return self.as_desired(observed)

    def _set(self, cloud: Cloud, method: str) -> None:
        cloud.client("rds").modify_db_parameter_group(
            DBParameterGroupName=self.name,
            Parameters=[
                {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method}
                for name, value in sorted(self.parameters.items())
            ],
        )

    @classmethod
    def delete(cls, cloud: Cloud, observed: Observed) -> Health:
        """Delete it. AWS refuses while an instance uses it; the next pass retries."""
        return gone(lambda: cloud.client("rds").delete_db_parameter_group(DBParameterGroupName=observed.id))
