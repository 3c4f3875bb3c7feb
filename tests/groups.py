"""The groups of tests, each a process: paths below this folder.

The longest comes first, so that all end at about the same time, then those that wait: others use the time.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent
_AWS = sorted(str(path.relative_to(_HERE)) for path in _HERE.glob("aws/**/test_*.py"))
_PASSES = sorted(str(path.relative_to(_HERE)) for path in _HERE.glob("passes/test_*.py"))
GROUPS: dict[str, tuple[str, ...]] = {
    "passes-1": tuple(_PASSES[::2]),
    "passes-2": tuple(_PASSES[1::2]),
    "cluster": (
        "integration/test_operator.py",
        "integration/test_leader.py",
        "integration/test_shards.py",
        "integration/crd",
        "observability",
    ),
    "app": (
        "integration/test_app.py",
        "integration/test_rollouts.py",
        "integration/test_remedies.py",
        "integration/test_doctor.py",
        "integration/test_rehearsal.py",
        "integration/test_rotation.py",
        "integration/test_place.py",
        "integration/test_tenancy.py",
        "integration/test_outages.py",
    ),
    "limits": (
        "integration/test_limits.py",
        "integration/test_plans.py",
        "integration/test_traffic.py",
        "integration/test_watch_ends.py",
        "integration/test_data.py",
        "integration/test_recovery.py",
        "integration/test_events.py",
    ),
    "crash": ("crash",),
    "aws-classes": ("aws",),
    "permissions": ("permissions",),
    "gitops": ("gitops",),
    "manifests": ("manifests", "workflows"),
    "test-aws": ("local/aws",),
    "data-plane": ("local/dataplane",),
    "backend": ("backend",),
    "local-cloud": ("local/controlplane", "supply"),
    "pure": ("engine", "stack", "tenancy", "cost", "events", "controller", "api", "cli", "sim"),
}
#: What a person runs after each edit: pure parts, resource classes, and one stack grown, changed and deleted.
FAST: dict[str, tuple[str, ...]] = {
    "aws-classes 1": tuple(_AWS[::2]),
    "aws-classes 2": tuple(_AWS[1::2]),
    "pure": ("engine", "stack", "tenancy", "cost", "events", "controller", "api", "cli"),
    "one stack": ("sim/test_sim.py::test_a_stack_is_grown_changed_and_deleted",),
}
