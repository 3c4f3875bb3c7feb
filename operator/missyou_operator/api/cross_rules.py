"""The rules between fields of the spec, and between a spec and the one before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from missyou_operator.api.aws_rules import APP_NAME_MAX, STACK_NAME_MAX
from missyou_operator.api.defaults import DEFAULTS, cel_or_default
from missyou_operator.api.field_rules import NO_STACK_NAME, RESERVED_STACK_NAME, STACK_NAME, reserved_stack_name
from missyou_operator.api.rules import Rule, cel_text

if TYPE_CHECKING:
    from missyou_operator.api.database import Database
    from missyou_operator.api.spec import Spec

# ---- the stack's name, which metadata.name gives where spec.stackName does not

_NAME = "(has(self.spec.stackName) ? self.spec.stackName : self.metadata.name)"
_SNAPSHOT, _TIME = "spec.database.restoreFromSnapshot", "spec.database.restoreToTime"
_OLD_NAME = "(has(oldSelf.spec.stackName) ? oldSelf.spec.stackName : oldSelf.metadata.name)"

LONG_NAME = (
    f"metadata.name must have at most {APP_NAME_MAX} characters: tags and DNS records name the MissYouApp with its "
    "namespace. Choose a shorter name"
)

#: Rules on the root, the only place that sees metadata.name. The first three apply to creations only: the API server
#: does not exempt stored objects from root rules, and tightening one must not make them undeletable.
ROOT_RULES = (
    Rule(
        cel=f"oldSelf.hasValue() || self.metadata.name.size() <= {APP_NAME_MAX}",
        message=LONG_NAME,
        path=".metadata.name",
        at_creation=True,
    ),
    Rule(
        cel=f"oldSelf.hasValue() || has(self.spec.stackName) || {reserved_stack_name('self.metadata.name')}",
        message=RESERVED_STACK_NAME,
        path=".spec.stackName",
        at_creation=True,
    ),
    Rule(
        cel="oldSelf.hasValue() || has(self.spec.stackName) || "
        f"(self.metadata.name.size() <= {STACK_NAME_MAX} && self.metadata.name.matches({cel_text(f'^{STACK_NAME}$')}))",
        message_cel="'" + NO_STACK_NAME.format("' + self.metadata.name + '") + "'",
        path=".spec.stackName",
        at_creation=True,
    ),
    Rule(
        cel=f"{_NAME} == {_OLD_NAME}",
        message_cel=f"'stackName is immutable: keep \"' + {_OLD_NAME} + '\", or create another MissYouApp'",
        path=".spec.stackName",
        forbidden=True,
    ),
    # The status shows whether there is a database: until then, a wrong name can be corrected.
    Rule(
        cel=f"!has(self.{_SNAPSHOT}) || (has(oldSelf.{_SNAPSHOT}) && self.{_SNAPSHOT} == oldSelf.{_SNAPSHOT}) || "
        "!has(oldSelf.status) || !has(oldSelf.status.outputs) || !has(oldSelf.status.outputs.rdsEndpoint)",
        message="the stack has a database already, and a snapshot is never restored into it: create another MissYouApp "
        "with restoreFromSnapshot, or undo this change (removing the field is allowed)",
        path=f".{_SNAPSHOT}",
        forbidden=True,
    ),
    Rule(
        cel=f"!has(self.{_TIME}) || (has(oldSelf.{_TIME}) && self.{_TIME} == oldSelf.{_TIME}) || "
        "!has(oldSelf.status) || !has(oldSelf.status.outputs) || !has(oldSelf.status.outputs.rdsEndpoint)",
        message="the stack has a database already, and nothing is ever restored into it: create another MissYouApp, or "
        "undo this change (removing the field is allowed)",
        path=f".{_TIME}",
        forbidden=True,
    ),
)

# ---- region and zones


def _check_zones(spec: Spec) -> str | None:
    zones, region = spec.network.availability_zones, spec.region
    if zones is None or region is None or all(zone[:-1] == region for zone in zones):
        return None
    return f"both zones must be in {region}, for example [{region}a, {region}b]"


ZONES_IN_REGION = Rule(
    cel="!has(self.region) || !has(self.network.availabilityZones) || self.network.availabilityZones.all(z, "
    "z.size() == self.region.size() + 1 && z.startsWith(self.region))",
    message_cel="'both zones must be in ' + self.region + ', for example [' + self.region + 'a, ' + self.region + 'b]'",
    path=".network.availabilityZones",
    check=_check_zones,
)
REGION_KEPT = Rule(
    cel="has(self.region) == has(oldSelf.region) && (!has(self.region) || self.region == oldSelf.region)",
    message_cel="'region is immutable: ' + (has(oldSelf.region) ? 'keep \"' + oldSelf.region + '\"' : 'leave it unset "
    "(this app was created in the region of the operator)') + ', or create another MissYouApp'",
    path=".region",
    forbidden=True,
)
ZONES_KEPT = Rule(
    cel="has(self.network.availabilityZones) == has(oldSelf.network.availabilityZones) && "
    "(!has(self.network.availabilityZones) || self.network.availabilityZones == oldSelf.network.availabilityZones)",
    message_cel="'availabilityZones is immutable: ' + (has(oldSelf.network.availabilityZones) ? 'keep [' + "
    "oldSelf.network.availabilityZones.join(', ') + ']' : 'leave it unset') + ', or create another MissYouApp'",
    path=".network.availabilityZones",
    forbidden=True,
)

#: A role of another account would leave the stack behind and create a second one. Setting or removing the role is
#: allowed, since the operator's own account is not known here.
ACCOUNT_KEPT = Rule(
    cel="!has(self.roleARN) || !has(oldSelf.roleARN) || self.roleARN.split(':')[4] == oldSelf.roleARN.split(':')[4]",
    message="the account is immutable: name a role of the same account, or create another MissYouApp",
    path=".roleARN",
    forbidden=True,
)

# ---- domain

#: The records are found again by the zone that their certificate remembers.
ZONE_KEPT = Rule(
    cel="self.name != oldSelf.name || !has(self.hostedZoneID) || !has(oldSelf.hostedZoneID) || "
    "self.hostedZoneID == oldSelf.hostedZoneID",
    message="the zone of a name is immutable: remove spec.domain, wait until its records are gone, and set it again",
    path=".hostedZoneID",
    forbidden=True,
)

# ---- service


def _check_replicas(spec: Spec) -> str | None:
    defaults, replicas = DEFAULTS[spec.environment], spec.service.replicas
    least = f"{defaults.replicas_min}, the {spec.environment} default" if replicas.min is None else replicas.min
    most = f"{defaults.replicas_max}, the {spec.environment} default" if replicas.max is None else replicas.max
    if (replicas.min or defaults.replicas_min) <= (replicas.max or defaults.replicas_max):
        return None
    return f"min ({least}) must not exceed max ({most}): lower min or raise max"


def _replicas(bound: str, given: str = "{}", default: str = "{}") -> str:
    path = f"self.service.replicas.{bound}"
    values = ((name, getattr(defaults, f"replicas_{bound}")) for name, defaults in DEFAULTS.items())
    return cel_or_default(path, given.format(path), *(default.format(value, name) for name, value in values))


_SHOWN = ("'%d'.format([{}])", "'{}, the {} default'")
REPLICAS_ORDER = Rule(
    cel=f"{_replicas('min')} <= {_replicas('max')}",
    message_cel="'min (%s) must not exceed max (%s): lower min or raise max'.format(["
    f"{_replicas('min', *_SHOWN)}, {_replicas('max', *_SHOWN)}])",
    path=".service.replicas",
    check=_check_replicas,
)

# ---- database

STORAGE_MAX = 65536


def _check_storage(database: Database) -> str | None:
    storage, most = database.storage_gib, database.max_storage_gib
    if most == storage or most * 10 >= storage * 11:
        return None
    least = (storage * 11 + 9) // 10
    if least > STORAGE_MAX:
        return f"set maxStorageGiB to {storage}, the same as storageGiB: there is no room to grow"
    return (
        f"AWS requires room to grow: set maxStorageGiB to {least} or more (storageGiB + 10 %), "
        f"or to {storage} for a fixed size"
    )


#: A database has one origin.
ONE_ORIGIN = Rule(
    cel="!has(self.restoreFromSnapshot) || !has(self.restoreToTime)",
    message="a database is restored from a snapshot or to a time, not both: remove restoreToTime or "
    "restoreFromSnapshot",
    path=".restoreToTime",
    holds=lambda database: database.restore_from_snapshot is None or database.restore_to_time is None,
)
STORAGE_ROOM = Rule(
    cel="!has(self.storageGiB) || !has(self.maxStorageGiB) || self.maxStorageGiB == self.storageGiB || "
    "self.maxStorageGiB * 10 >= self.storageGiB * 11",
    message_cel=f"(self.storageGiB * 11 + 9) / 10 > {STORAGE_MAX} ? "
    "'set maxStorageGiB to %d, the same as storageGiB: there is no room to grow'.format([self.storageGiB]) : "
    "'AWS requires room to grow: set maxStorageGiB to %d or more (storageGiB + 10 %%), or to %d for a fixed size'"
    ".format([(self.storageGiB * 11 + 9) / 10, self.storageGiB])",
    path=".maxStorageGiB",
    check=_check_storage,
)


def _check_copy_region(spec: Spec) -> str | None:
    if spec.database.backup_copy_region is None or spec.database.backup_copy_region != spec.region:
        return None
    return _ANOTHER_REGION.format(spec.region)


_ANOTHER_REGION = "the copy must be in another region than the stack, which is in {}: choose another, or remove it"
COPY_ELSEWHERE = Rule(
    cel="!has(self.region) || !has(self.database.backupCopyRegion) || self.database.backupCopyRegion != self.region",
    message_cel="'" + _ANOTHER_REGION.format("' + self.region + '") + "'",
    path=".database.backupCopyRegion",
    check=_check_copy_region,
)


def _check_free_storage(spec: Spec) -> str | None:
    alarm, storage = spec.monitoring.alarms.database_free_storage_gib, spec.database.storage_gib
    if alarm < storage:
        return None
    return f"must be less than database.storageGiB ({storage}), or the alarm never ends"


FREE_STORAGE_BELOW_SIZE = Rule(
    cel="self.monitoring.alarms.databaseFreeStorageGiB < self.database.storageGiB",
    message_cel="'must be less than database.storageGiB (%d), or the alarm never ends'"
    ".format([self.database.storageGiB])",
    path=".monitoring.alarms.databaseFreeStorageGiB",
    check=_check_free_storage,
)

# ---- monitoring


def _check_topic(spec: Spec) -> str | None:
    topic, region = spec.monitoring.notifications.topic_arn, spec.region
    if topic is None or region is None or f":sns:{region}:" in topic:
        return None
    return f"the topic must be in {region}: CloudWatch alarms notify topics of their own region only"


TOPIC_IN_REGION = Rule(
    cel="!has(self.region) || !has(self.monitoring.notifications.topicARN) || "
    "self.monitoring.notifications.topicARN.contains(':sns:' + self.region + ':')",
    message_cel="'the topic must be in ' + self.region + ': CloudWatch alarms notify topics of their own region only'",
    path=".monitoring.notifications.topicARN",
    check=_check_topic,
)
