"""The groups of tests, each a process: paths below this folder. Those that wait come first: others use the time."""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "cluster": ("integration/test_operator.py", "integration/test_leader.py", "integration/crd", "observability"),
    "app": ("integration/test_app.py", "integration/test_rehearsal.py", "integration/test_outages.py"),
    "passes": ("passes",),
    "crash": ("crash",),
    "aws-classes": ("aws",),
    "permissions": ("permissions",),
    "gitops": ("gitops",),
    "manifests": ("manifests", "workflows"),
    "test-aws": ("local_aws",),
    "data-plane": ("dataplane",),
    "backend": ("backend",),
    "local-cloud": ("local_controlplane", "supply"),
    "pure": ("engine", "stack", "cost", "controller", "api", "sim"),
}
#: What a person runs after each edit: pure parts, resource classes, and one stack grown, changed and deleted.
FAST: dict[str, tuple[str, ...]] = {
    "pure": ("engine", "stack", "cost", "controller", "api"),
    "aws-classes": ("aws",),
    "one-stack": ("sim",),
}
