"""The MissYouApp API: what users write (`spec`), what they read (`status`), and the CRD made of both.

Knows no AWS call and no Kubernetes client. The models are the one source of truth: `crd` renders them, `resolve`
fills in what depends on the environment, and everything above works with `AppSpec` and `Status` only.
"""

from missyou_operator.api.resolve import AppSpec, InvalidSpec, Problem, parse, resolve
from missyou_operator.api.sources import SecretARN, SecretKeyRef
from missyou_operator.api.status import Condition, Status

GROUP = "missyou.app"
VERSION = "v1alpha1"
KIND = "MissYouApp"
PLURAL = "missyouapps"

__all__ = [
    "GROUP",
    "KIND",
    "PLURAL",
    "VERSION",
    "AppSpec",
    "Condition",
    "InvalidSpec",
    "Problem",
    "SecretARN",
    "SecretKeyRef",
    "Status",
    "parse",
    "resolve",
]
