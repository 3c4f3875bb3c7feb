"""The rules on `spec.tags`: AWS's, in the narrower form that every service of the stack accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from missyou_operator.api.rules import Rule, keys_match

_CHARS = "[A-Za-z0-9 _.:/=+@-]"
_VALUES = "values have letters, digits, spaces or _ . : / = + - @ only"
_AWS = "keys and values that start with aws: belong to AWS: rename or remove them"
_OWN = "the operator sets Name, Environment and everything under missyou.app/: rename or remove yours"
_CASE = "IAM ignores the case of keys: of two that differ in their case only, remove one"

Tags = Mapping[str, str]


def _unless(holds: Callable[[Tags], bool], message: str) -> Callable[[Tags], str | None]:
    return lambda tags: None if holds(tags) else message


def _not_aws(tags: Tags) -> bool:
    return not any(text.lower().startswith("aws:") for pair in tags.items() for text in pair)


def _not_ours(tags: Tags) -> bool:
    keys = [key.lower() for key in tags]
    return not any(key in ("name", "environment") or key.startswith("missyou.app/") for key in keys)


def _values_fit(tags: Tags) -> bool:
    return all(re.fullmatch(f"{_CHARS}*", value) for value in tags.values())


def _distinct(tags: Tags) -> bool:
    return len({key.lower() for key in tags}) == len(tags)


TAG_RULES = (
    keys_match(f"{_CHARS}{{1,128}}", "keys have 1 to 128 letters, digits, spaces or _ . : / = + - @ only"),
    Rule(
        cel=f"self.all(k, self[k].matches('^{_CHARS}*$'))",
        message=_VALUES,
        check=_unless(_values_fit, _VALUES),
    ),
    Rule(
        cel="self.all(k, !k.lowerAscii().startsWith('aws:') && !self[k].lowerAscii().startsWith('aws:'))",
        message=_AWS,
        forbidden=True,
        check=_unless(_not_aws, _AWS),
    ),
    Rule(
        cel="self.all(k, !(k.lowerAscii() in ['name', 'environment']) && !k.lowerAscii().startsWith('missyou.app/'))",
        message=_OWN,
        forbidden=True,
        check=_unless(_not_ours, _OWN),
    ),
    Rule(
        cel="self.all(a, self.all(b, a == b || a.lowerAscii() != b.lowerAscii()))",
        message=_CASE,
        check=_unless(_distinct, _CASE),
    ),
)
