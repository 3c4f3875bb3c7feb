"""Caches and indexes for what moto computes again at each call: without them, hundreds of stacks take minutes to list.

Measured with cProfile, 20 production stacks listed by the operator (1,281 calls): 157 s before, of which 52 s went into
`describe_tags` (for each object it walks through the tags of all objects), 60 s into finding out under which names a
model's attribute may go (once for each attribute of each object), and the rest into lists that were made as a whole for
each of their pages (`pagination.py` keeps them).
"""

from __future__ import annotations

import collections
import copy
import functools
import importlib
from types import SimpleNamespace
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from missyou_local.aws import markup


class Moto(DomainDispatcherApplication):
    """moto's own application, which lists its folders at each request to find the service of a host; here, once."""

    @functools.cache  # noqa: B019 - as many hosts as services and regions, and it lives as long as the process
    def get_backend_for_host(self, host: str | None) -> Any:
        """Return moto's name of the backend that answers for a host."""
        return super().get_backend_for_host(host)


@functools.cache
def take() -> None:
    """Take all of them. Safe to repeat."""
    responses: Any = importlib.import_module("moto.core.responses")
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    _keep_policies()
    _keep_names()
    _write_quickly()
    _find_tags_by_id()
    _find_groups_by_id()
    _find_interfaces_by_subnet()


def _keep_policies() -> None:
    """Keep AWS's 1,300 managed IAM policies from one reset to the next."""
    backend: Any = importlib.import_module("moto.iam.models").IAMBackend
    made = backend._init_aws_policies
    known: dict[tuple[str, str], list[Any]] = {}

    def policies(self: Any) -> list[Any]:
        key = (self.account_id, self.region_name)
        if key not in known:
            known[key] = made(self)
        # Copies: an attachment is counted in them.
        return [copy.copy(policy) for policy in known[key]]

    backend._init_aws_policies = policies


def _keep_names() -> None:
    """Keep the names under which an attribute of AWS's may be found in an object of moto's, by class and shape."""
    serialize: Any = importlib.import_module("moto.core.serialize")
    picker = serialize.XFormedAttributePicker
    found = picker.get_possible_keys
    known: dict[tuple[type, str, int], tuple[tuple[str, ...], Any]] = {}
    transformed: dict[tuple[int, int, str], tuple[bool, Any]] = {}

    def names(self: Any, context: Any) -> tuple[str, ...]:
        key = (type(context.obj), context.key, id(context.shape))
        if key not in known:
            # With the shape, so that no other one gets its number.
            known[key] = tuple(dict.fromkeys(found(self, context))), context.shape
        return known[key][0]

    def transforms(transformers: dict[str, Any], key: str) -> bool:
        """Return whether a transformer may be meant for an attribute: they go by the ends of paths to it."""
        asked = id(transformers), len(transformers), key
        if asked not in transformed:
            found = any(path.rpartition(".")[2] == key or key.endswith(path) for path in transformers)
            # With the transformers, so that no others get their number.
            transformed[asked] = found, transformers
        return transformed[asked][0]

    def value(self: Any, value: Any, key: str, shape: Any) -> Any:
        """Return what `ResponseSerializer.get_value` does, without describing the context of each attribute."""
        chosen = self._value_picker
        known_names = known.get((type(value), key, id(shape)))
        if known_names is None or type(chosen) is not picker or transforms(chosen.response_transformers, key):
            return plain(self, value, key, shape)
        for name in known_names[0]:
            if (found := get_value(value, name, missing)) is not missing:
                return found
        return None

    picker.get_possible_keys = names
    plain, get_value, missing = serialize.ResponseSerializer.get_value, serialize.get_value, serialize.MISSING
    serialize.ResponseSerializer.get_value = value


def _write_quickly() -> None:
    """Write XML without xmltodict, of which moto's serializers use nothing else."""
    serialize: Any = importlib.import_module("moto.core.serialize")
    serialize.xmltodict = SimpleNamespace(unparse=markup.unparse)


def _find_tags_by_id() -> None:
    """Find the tags of EC2's resources by ID where IDs are asked for, instead of comparing the tags of all."""
    backend: Any = importlib.import_module("moto.ec2.models.tags").TagBackend
    search = backend.describe_tags

    def describe(self: Any, filters: dict[str, list[str]] | None = None) -> list[dict[str, str]]:
        ids = (filters or {}).get("resource-id", [])
        if not ids or any("*" in each or "?" in each for each in ids):
            return search(self, filters)  # type: ignore[no-any-return]
        few = {each: self.tags[each] for each in ids if each in self.tags}
        return search(SimpleNamespace(tags=few, VALID_TAG_FILTERS=self.VALID_TAG_FILTERS), filters)  # type: ignore[no-any-return]

    backend.describe_tags = describe


def _find_groups_by_id() -> None:
    """Find security groups by ID or VPC, and the rules of some, instead of comparing all there are."""
    backend: Any = importlib.import_module("moto.ec2.models.security_groups").SecurityGroupBackend
    groups, rules = backend.describe_security_groups, backend.describe_security_group_rules

    def describe(self: Any, group_ids: Any = None, groupnames: Any = None, filters: Any = None) -> list[Any]:
        vpcs = _plain((filters or {}).get("vpc-id"))
        few = {vpc: self.groups[vpc] for vpc in vpcs if vpc in self.groups} if vpcs else self.groups
        return groups(SimpleNamespace(groups=few), group_ids, groupnames, filters)  # type: ignore[no-any-return]

    def describe_rules(self: Any, sg_rule_ids: list[str], filters: dict[str, list[str]]) -> list[Any]:
        ids = _plain(filters.get("group-id"))
        if not ids:
            return rules(self, sg_rule_ids, filters)  # type: ignore[no-any-return]
        few = {vpc: {each: inside[each] for each in ids & inside.keys()} for vpc, inside in self.groups.items()}
        others = {key: values for key, values in filters.items() if key != "group-id"}
        return rules(SimpleNamespace(groups=few), sg_rule_ids, others)  # type: ignore[no-any-return]

    def from_id(self: Any, group_id: str) -> Any:
        return next((inside[group_id] for inside in self.groups.values() if group_id in inside), None)

    backend.describe_security_groups = describe
    backend.describe_security_group_rules = describe_rules
    backend.get_security_group_from_id = from_id


def _plain(values: Any) -> frozenset[str]:
    """Return the values of a filter if there are some and none has a wildcard, none else."""
    found = frozenset(values or ())
    return frozenset() if any("*" in each or "?" in each for each in found) else found


def _find_interfaces_by_subnet() -> None:
    """Find the interfaces in a subnet, of which it counts the addresses, without walking through all there are."""
    subnet: Any = importlib.import_module("moto.ec2.models.subnets").Subnet
    known: list[Any] = [None, {}]

    def count(self: Any) -> int:
        there = self.ec2_backend.enis
        # An interface stays in its subnet. The newest one and their number differ as soon as one comes or goes.
        state = (id(there), len(there), next(reversed(there), None))
        if known[0] != state:
            by_subnet = collections.defaultdict(list)
            for each in there.values():
                by_subnet[each.subnet.id].append(each)
            known[:] = state, by_subnet
        taken = sum(len(each.private_ip_addresses or ()) for each in known[1].get(self.id, ()))
        return int(self._available_ip_addresses - taken)

    subnet.available_ip_address_count = property(count)
