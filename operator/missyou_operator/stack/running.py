"""What the running version of the app needs, read from what was observed. Pure.

A change of spec starts new tasks beside the old ones, and ECS goes back to the old ones if the new ones fail. Until
that is decided, both have to find what they need: ports in security groups, secrets and the right to read them, the
repository, and the target group.

Another health check is another target group, so that it judges no task that runs already. The steps, each of which
follows from what is observed, so that any pass may be the first or the last of an operator:

1. the new group is created, and listeners know it with weight 0 (ECS refuses a group that no listener knows);
2. the service registers tasks in both groups: new ones, which must pass both checks, or ECS goes back (in the new one
   alone, where no task passes the old check);
3. once all tasks are healthy in the new group, the listeners move to it, in one call each;
4. the service registers tasks in the new group alone;
5. the listeners forget the old group, and it is deleted.

Where ECS shifts requests between two groups itself (`shifting`), it owns the listeners' weights instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from missyou_operator.api import AppSpec
from missyou_operator.aws.cloudwatch.alarm import Alarm
from missyou_operator.aws.ecr import Repository
from missyou_operator.aws.ecs.service import Service
from missyou_operator.aws.elbv2.listener import Listener
from missyou_operator.aws.elbv2.targetgroup import TargetGroup, fingerprint
from missyou_operator.aws.iam.role import Role
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.aws.secretsmanager.secret import Secret
from missyou_operator.engine.plan import ObservedState
from missyou_operator.engine.resource import Observed
from missyou_operator.stack import naming
from missyou_operator.stack.context import RunningVersion
from missyou_operator.stack.naming import ROLLBACK_ALARMS
from missyou_operator.stack.shifting import shift_of, side_with_tasks

#: The types from which this is read: while one of them is unreadable, nobody knows what is needed.
SOURCES = frozenset({Service.TYPE, Listener.TYPE, TargetGroup.TYPE})
#: A service registers its tasks in five groups at most, and a listener forwards to as many. Sources: ECS API reference,
#: CreateService; quotas of Application Load Balancers.
_MOST_GROUPS = 5


def target_group_name(app: AppSpec, stack: StackIdentity, *, alternate: bool = False) -> str:
    """Return the name of the target group that the spec asks for, or of the other one of its pair."""
    return stack.fill(naming.TARGET_GROUP, fingerprint(health_path=app.service.health_check.path, alternate=alternate))


def running_version(app: AppSpec, stack: StackIdentity, world: ObservedState) -> RunningVersion:
    """Return what must stay for the version that runs, and how far the move to another target group is."""
    # What is read later counts as settled: then nothing but what the spec asks for is in use.
    service = next((each for each in _owned(world, Service.TYPE) if not each.unread), None)
    listeners = [listener.attrs for listener in _owned(world, Listener.TYPE) if not listener.unread]
    alarms = _alarms(stack, world)
    if service is None:
        shift = shift_of(app, None, listeners, frozenset(), alone=False, settled=True)
        return RunningVersion(shift=shift, alarms=alarms)
    versions = service.attrs.get("versions", ())
    secrets = {arn for version in versions for arn in version["secrets"]}
    repositories = {version["image_repository"] for version in versions}
    groups = {group.id: group for group in _owned(world, TargetGroup.TYPE)}
    names = [target_group_name(app, stack, alternate=other) for other in (False, True)]
    own, other = (next((group.id for group in groups.values() if group.name == name), "") for name in names)
    settled = service.attrs["rollout_state"] == "COMPLETED" and service.attrs["deployments"] <= 1
    pair = (*service.attrs["target_groups"], service.attrs["alternate_target_group"])
    live = side_with_tasks(service) if pair[-1] else ""
    forwarding = [arn for arn in dict.fromkeys(each["target_group_arn"] for each in listeners) if arn in groups]
    known = [arn for each in listeners for arn in each["standby"] if arn in groups]
    registered = [arn for arn in ((live,) if live else service.attrs["target_groups"]) if arn in groups]
    # Until a deployment is complete, ECS may go back to one that registers in any group that listeners know.
    used = [arn for arn in (*registered, *pair) if arn in groups]
    used += [] if settled else [*forwarding, *known]
    serving = _serving(service, own, forwarding, registered, settled=settled)
    alone = (registered, forwarding, serving) == ([own], [own], own)
    shift = shift_of(app, service, listeners, frozenset({own, other}), alone=alone, settled=settled)
    others = [arn for arn in dict.fromkeys(used) if arn != own]
    # New tasks need not pass a check that none passes: the spec may have another one for that very reason.
    passed = service.attrs["healthy_in"]
    needed = others if any(passed.get(arn) for arn in others) else []
    kept = [groups[arn] for arn in {*others, serving} - {own, ""}]
    kept += [secret for secret in _owned(world, Secret.TYPE) if secret.id in secrets]
    kept += [repository for repository in _owned(world, Repository.TYPE) if repository.attrs.get("uri") in repositories]
    if pair[-1] or not settled:
        balancing = stack.fill(naming.BALANCING_ROLE)
        kept += [role for role in _owned(world, Role.TYPE) if role.name == balancing]
    if shift.held:
        kept += [each for each in _owned(world, Listener.TYPE) if each.attrs["rule"] == shift.rule]
    return RunningVersion(
        ports=tuple(sorted({version["port"] for version in versions if version["port"]})),
        secrets=tuple(sorted(secrets)),
        repositories=tuple(sorted(repositories)),
        serving=live if shift.owned else "" if serving == own else serving,
        registered=tuple(arn for arn in needed if arn in registered and arn in {*forwarding, serving})[
            : _MOST_GROUPS - 1
        ],
        standby=tuple(sorted(arn for arn in others[: _MOST_GROUPS - 1] if arn != serving)),
        kept=tuple(sorted(each.address for each in kept)),
        shift=shift,
        alarms=alarms,
    )


def _alarms(stack: StackIdentity, world: ObservedState) -> tuple[str, ...]:
    """Return the names of the alarms that exist of those by which a deployment is rolled back."""
    names = {stack.fill(pattern) for pattern in ROLLBACK_ALARMS}
    return tuple(sorted(alarm.name for alarm in _owned(world, Alarm.TYPE) if alarm.name in names))


def _serving(
    service: Observed, own: str, forwarding: Iterable[str], registered: Iterable[str], *, settled: bool
) -> str:
    """Return the target group that is to get the requests: the one that does so now, until the spec's own is ready."""
    healthy: Mapping[str, int] = service.attrs["healthy_in"]
    now = [arn for arn in forwarding if arn in registered] or list(registered)
    if not now or (own in now and own in forwarding):
        return own
    enough = max(1, *(healthy.get(arn, 0) for arn in now))
    if own in registered and settled and healthy.get(own, 0) >= enough:
        return own
    return next((arn for arn in now if arn != own), own)


def _owned(world: ObservedState, type_: str) -> Iterator[Observed]:
    for found in world.values():
        yield from (each for each in found if type_ == each.kind.TYPE and each.owned)
