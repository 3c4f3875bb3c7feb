"""The MissYouApp API: what users write (`spec`), what they read (`status`), and the CRD made of both.

Knows no AWS call and no Kubernetes client. The models are the one source of truth: `crd` renders them, `resolve`
fills in the defaults that depend on the environment, and everything above works with `AppSpec` and `Status` only.
"""

from missyou_operator.api.components import Component
from missyou_operator.api.conditions import ConditionType, Reason
from missyou_operator.api.kind import FINALIZER, GROUP, KIND, PLURAL, VERSION
from missyou_operator.api.resolve import AppSpec, InvalidSpec, parse
from missyou_operator.api.status import Condition, Status

__all__ = [
    "FINALIZER",
    "GROUP",
    "KIND",
    "PLURAL",
    "VERSION",
    "AppSpec",
    "Component",
    "Condition",
    "ConditionType",
    "InvalidSpec",
    "Reason",
    "Status",
    "parse",
]
