"""What all modules of the stack build with: the spec, the identity, the answers of the lookups, and the graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from missyou_operator.api import AppSpec, Component
from missyou_operator.aws.identity import StackIdentity
from missyou_operator.engine.graph import Graph
from missyou_operator.engine.tags import ledger


@dataclass(frozen=True, slots=True)
class DomainLookup:
    """The hosted zone for the domain's records ("" if there is none), and the host name that the domain leads to."""

    zone: str = ""
    zone_name: str = ""
    name_servers: tuple[str, ...] = ()
    load_balancer: str = ""


@dataclass(frozen=True, slots=True)
class ImageLookup:
    """The image in the stack's own repository.

    `serves`: tasks run what the spec names, and are to go on. `digest`: what the spec's tag stands for, "" as long as
    nobody has pushed it, and where the spec names a digest itself. `pinned`: whether that stays so when the tag moves.
    `tags`: those of the spec's image, as far as it is there. `running`: the tags of the images that tasks run.
    """

    serves: bool = False
    digest: str = ""
    pinned: bool = False
    tags: tuple[str, ...] = ()
    running: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DatabaseLookup:
    """The database as it runs. What goes with it stays as it is while a change of it waits or is refused.

    `instance_class`: as it runs, "" where there is no database. `major`: the major that it runs, or is upgraded to; 0
    where there is none. `evidence`: the tag that proves that it holds data, "" while it holds none.
    """

    instance_class: str = ""
    major: int = 0
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class PasswordLookup:
    """The password that the database is to have.

    `rotation`: the name of the rotation that gives it, "" for the first password. `request`: what stands for the
    annotation that asks for one. `under_way`: whether that rotation has not ended yet.
    """

    rotation: str = ""
    request: str = ""
    under_way: bool = False


@dataclass(frozen=True, slots=True)
class Shift:
    """A pair of target groups between which ECS shifts the requests, as far as there is to be one.

    `wanted`: the service is to have the spec's pair. `owned`: it has a pair, so that the listeners' weights are ECS's.
    `held`: it has another pair than the spec's (or none is wanted), and needs it until its deployment is over:
    `groups`, `rule` and `role` (ARNs) are that pair's. `by_https`: the pair's rule is that of the HTTPS listener.
    `strategy`: what is to stay as it is until a deployment is over, in ECS's words; None for the spec's.
    """

    wanted: bool = False
    owned: bool = False
    held: bool = False
    groups: tuple[str, ...] = ()
    rule: str = ""
    role: str = ""
    by_https: bool = False
    strategy: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class RunningVersion:
    """What the tasks use that run, or that ECS may go back to. It stays until nothing runs that needs it.

    `ports`, `secrets` (ARNs) and `repositories` (URIs) of their task definitions. `serving`: the target group (ARN)
    that gets the requests, "" if that is the spec's own. `registered`: other target groups than the spec's own in which
    tasks are to register besides. `standby`: other groups that the listeners have to know. `kept`: the addresses of
    what exists and must not be deleted. `shift`: how far the service is with a strategy that shifts requests between
    two groups. `alarms`: the names of those that exist, by which a deployment is rolled back.
    """

    ports: tuple[int, ...] = ()
    secrets: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    serving: str = ""
    registered: tuple[str, ...] = ()
    standby: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    shift: Shift = field(default_factory=Shift)
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookups:
    """What a stack is built from besides its spec.

    `zones`: the two availability zones, in the order of their letters. `domain`: the hosted zone for `spec.domain`.
    `snapshot`: the value of the annotation that requests a snapshot, "" for none. `image`: the image in use.
    `database`: what runs. `password`: which one it is to have. `running`: what must stay for the version of the app
    that runs. `tags_on_roles`: whether `spec.tags` are set on IAM roles, too. `boundary`: the ARN of the permissions
    boundary that the operator's settings demand of roles, None for whichever they have.
    """

    zones: tuple[str, str]
    domain: DomainLookup = field(default_factory=DomainLookup)
    snapshot: str = ""
    image: ImageLookup = field(default_factory=ImageLookup)
    database: DatabaseLookup = field(default_factory=DatabaseLookup)
    password: PasswordLookup = field(default_factory=PasswordLookup)
    running: RunningVersion = field(default_factory=RunningVersion)
    tags_on_roles: bool = True
    boundary: str | None = None


class Untagged(TypedDict):
    """The arguments that every resource takes."""

    name: str
    component: str


class Common(Untagged):
    """The arguments that every resource with tags takes."""

    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Named:
    """Composes the arguments that all resources of one component have in common."""

    component: Component
    stack: StackIdentity
    extra: Mapping[str, str]

    def __call__(self, pattern: str, chosen: str = "*", *, tags: Mapping[str, str] | None = None) -> Common:
        """Return name, component and tags for a name's pattern; `tags` come on top of those that all resources have."""
        common = self.untagged(pattern, chosen)
        return {**common, "tags": {**self.stack.tags(common["component"], common["name"], self.extra), **(tags or {})}}

    def untagged(self, pattern: str, chosen: str = "*") -> Untagged:
        """Return name and component, for what AWS does not tag."""
        return {"name": self.stack.fill(pattern, chosen), "component": self.component.value}


@dataclass(frozen=True, slots=True)
class Context:
    """One stack under construction."""

    app: AppSpec
    stack: StackIdentity
    lookups: Lookups
    graph: Graph = field(default_factory=Graph)

    def named(self, component: Component) -> Named:
        """Return what names and tags the resources of a component."""
        tags = {**self.app.tags, **ledger(self.app.tags), "Environment": str(self.app.environment)}
        return Named(component, self.stack, tags)

    def named_role(self, component: Component) -> Named:
        """Return what names and tags the IAM roles of a component."""
        if self.lookups.tags_on_roles:
            return self.named(component)
        return Named(component, self.stack, {"Environment": str(self.app.environment)})
