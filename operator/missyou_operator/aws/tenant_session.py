"""How the operator presents itself when it takes a tenant's role, and the trust policy that demands it. Pure.

Sources: IAM User Guide, "Pass session tags in AWS STS", "Monitor and control actions taken with assumed roles", and
"Access to AWS accounts owned by third parties" (external ID); STS API reference, AssumeRole (lengths and characters).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

#: The tags of a session: UID of the cluster, namespace, and name of the MissYouApp.
CLUSTER_TAG, NAMESPACE_TAG, APP_TAG = "missyou-cluster", "missyou-namespace", "missyou-app"
#: The most characters of a session's name and of a source identity.
_LONGEST = 64
#: The most characters of a trust policy, and what AWS raises that to on request. Source: IAM User Guide, "IAM and AWS
#: STS quotas" (role trust policy length).
TRUST_LIMIT, MOST_TRUST = 2048, 4096


def external_id(cluster: str, namespace: str) -> str:
    """Return the external ID that only this cluster's operator uses, and only for this namespace."""
    return f"missyou:{cluster}:{namespace}"


def session_name(namespace: str, name: str) -> str:
    """Return the session's name for one app, as CloudTrail shows it."""
    return _cut(f"{namespace}.{name}")


def source_identity(namespace: str) -> str:
    """Return the source identity, which stays with a session even if it takes further roles."""
    return _cut(f"missyou.{namespace}")


def session_tags(cluster: str, namespace: str, name: str) -> dict[str, str]:
    """Return the tags of the session for one app."""
    return {CLUSTER_TAG: cluster, NAMESPACE_TAG: namespace, APP_TAG: name}


def trust(operator: str, cluster: str, namespaces: Sequence[str]) -> Mapping[str, Any]:
    """Return the trust policy of a tenant's role, which the role `operator` (ARN) takes for some namespaces only.

    Each of the three actions is bound by the condition keys that it knows (Service Authorization Reference, AWS STS).
    """
    principal = {"AWS": operator}
    allowed = [
        {
            "Effect": "Allow",
            "Principal": principal,
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {
                    "sts:ExternalId": external_id(cluster, namespace),
                    "sts:SourceIdentity": source_identity(namespace),
                    f"aws:RequestTag/{CLUSTER_TAG}": cluster,
                    f"aws:RequestTag/{NAMESPACE_TAG}": namespace,
                },
            },
        }
        for namespace in namespaces
    ]
    identities = [source_identity(namespace) for namespace in namespaces]
    identified = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "sts:SetSourceIdentity",
        "Condition": {"StringEquals": {"sts:SourceIdentity": identities}},
    }
    tagged = {
        "Effect": "Allow",
        "Principal": principal,
        "Action": "sts:TagSession",
        "Condition": {
            "StringEquals": {
                f"aws:RequestTag/{CLUSTER_TAG}": cluster,
                f"aws:RequestTag/{NAMESPACE_TAG}": list(namespaces),
            },
            "ForAllValues:StringEquals": {"aws:TagKeys": [CLUSTER_TAG, NAMESPACE_TAG, APP_TAG]},
        },
    }
    return {"Version": "2012-10-17", "Statement": [*allowed, identified, tagged]}


def _cut(text: str) -> str:
    """Cut a name to what STS takes; a digest keeps two long ones apart."""
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: _LONGEST - 9]}-{digest}"
