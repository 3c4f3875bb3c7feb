"""The rules on `spec.tags`: AWS's, in the narrower form that every service of the stack accepts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from missyou_operator.api.aws_rules import RESERVED_TAG_PREFIXES, TAG_KEY_MAX
from missyou_operator.api.kind import GROUP
from missyou_operator.api.rules import Rule, cel_list, cel_text, keys_match

_CHARS = "[A-Za-z0-9 _.:/=+@-]"
#: What the tags of the operator itself begin with.
_OWN = f"{GROUP}/"
#: Of clusters: their autoscaler, load balancer controller and Karpenter act upon whatever bears such tags. Sources: EKS
#: user guide, "Tag your resources"; AWS Load Balancer Controller, "Subnet auto-discovery"; Karpenter, "NodeClasses".
_CLUSTERS = (
    r"([a-z0-9.-]+[.])?(kubernetes[.]io|k8s[.]io|k8s[.]aws|karpenter[.]sh|eksctl[.]io)/.*|eks:.*|kubernetescluster"
)

Tags = Mapping[str, str]


def _none_is_of_aws(tags: Tags) -> bool:
    return not any(text.lower().startswith(RESERVED_TAG_PREFIXES) for pair in tags.items() for text in pair)


def _none_is_of_the_operator(tags: Tags) -> bool:
    keys = [key.lower() for key in tags]
    return not any(key in ("name", "environment") or key.startswith(_OWN) for key in keys)


TAG_RULES = (
    keys_match(
        f"{_CHARS}{{1,{TAG_KEY_MAX}}}", f"keys must have 1 to {TAG_KEY_MAX} letters, digits, spaces or _ . : / = + - @"
    ),
    Rule(
        cel=f"self.all(k, self[k].matches('^{_CHARS}*$'))",
        message="values must have only letters, digits, spaces or _ . : / = + - @",
        holds=lambda tags: all(re.fullmatch(f"{_CHARS}*", value) for value in tags.values()),
    ),
    Rule(
        cel=f"self.all(k, {cel_list(RESERVED_TAG_PREFIXES)}.all(p, !k.lowerAscii().startsWith(p) && "
        "!self[k].lowerAscii().startsWith(p)))",
        message="keys and values starting with aws: or rds: are reserved by AWS: rename or remove them",
        forbidden=True,
        holds=_none_is_of_aws,
    ),
    Rule(
        cel="self.all(k, k == k.trim() && self[k] == self[k].trim())",
        message="keys and values must not start or end with a space: remove it",
        holds=lambda tags: all(text == text.strip() for pair in tags.items() for text in pair),
    ),
    Rule(
        cel="self.all(k, !(k.lowerAscii() in ['name', 'environment']) && "
        f"!k.lowerAscii().startsWith({cel_text(_OWN)}))",
        message=f"the operator sets Name, Environment and everything under {_OWN}: rename or remove yours",
        forbidden=True,
        holds=_none_is_of_the_operator,
    ),
    Rule(
        cel=f"self.all(k, !k.lowerAscii().matches({cel_text(f'^(?:{_CLUSTERS})$')}))",
        message="keys of Kubernetes clusters (kubernetes.io/, k8s.io/, k8s.aws/, karpenter.sh/, eksctl.io/ and what "
        "ends so before the slash, eks:, KubernetesCluster) mislead autoscalers and load balancer controllers: rename "
        "or remove them",
        forbidden=True,
        holds=lambda tags: not any(re.fullmatch(_CLUSTERS, key.lower()) for key in tags),
    ),
    Rule(
        cel="self.all(a, self.all(b, a == b || a.lowerAscii() != b.lowerAscii()))",
        message="IAM ignores the case of keys: remove one of the two that differ only in case",
        holds=lambda tags: len({key.lower() for key in tags}) == len(tags),
    ),
)
