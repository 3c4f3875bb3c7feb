"""The only access to moto's models. All other files get moto's objects from here, untyped.

moto's classes are internals that change between its versions; with one entry point, one file changes with them.
"""

from __future__ import annotations

import importlib
import os
import threading
from collections.abc import Callable
from typing import Any

WARM = {
    **{
        name: name
        for name in ("ec2", "rds", "secretsmanager", "ecr", "ecs", "elbv2", "iam", "logs", "cloudwatch", "sts")
    },
    "applicationautoscaling": "application-autoscaling",
}
"""moto's names of the services that this stack uses -> boto3's."""

LOCK = threading.RLock()
"""moto's models are shared by the whole process and not thread-safe: hold this lock to use them."""

_resets: list[Callable[[], None]] = []


def configure() -> None:
    """Set the environment variables that moto reads at its first import. Safe to repeat."""
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    os.environ.setdefault("MOTO_ALLOW_NONEXISTENT_REGION", "true")
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")


def backend(service: str, account: str, region: str) -> Any:
    """Return moto's backend of a service (moto's name for it), for an account and a region (`global` for IAM)."""
    import moto.backends  # noqa: PLC0415

    return moto.backends.get_backend(service)[account][region]  # type: ignore[call-overload]


def accounts_of(service: str) -> list[str]:
    """Return the accounts that have used a service."""
    import moto.backends  # noqa: PLC0415

    return sorted(moto.backends.get_backend(service))  # type: ignore[call-overload]


def account_of(access_key: str) -> str:
    """Return the account of an access key: that of the role for an assumed one, otherwise 123456789012."""
    from moto.iam.models import get_account_id_from  # noqa: PLC0415

    return str(get_account_id_from(access_key))


def replace(module: str, name: str, function: Callable[..., Any]) -> None:
    """Replace one of moto's functions whose rule is not AWS's."""
    setattr(importlib.import_module(f"moto.{module}"), name, function)


def on_reset(forget: Callable[[], None]) -> None:
    """Call `forget` at each reset."""
    _resets.append(forget)


def roots() -> list[Any]:
    """Return the objects that all state hangs from: moto's backends, and the containers of our behaviours."""
    from moto.core.base_backend import BackendDict  # noqa: PLC0415

    # A behaviour registers its container's own `clear`.
    ours = [getattr(forget, "__self__", None) for forget in _resets]
    made: list[Any] = BackendDict._instances  # type: ignore[misc]  # one list for all of its kinds
    return [*made, *(each for each in ours if isinstance(each, (dict, set, list)))]


def reset() -> None:
    """Wipe all accounts and regions: moto's models and the state of the behaviours."""
    from moto.moto_api._internal.models import moto_api_backend  # noqa: PLC0415

    moto_api_backend.reset()
    for forget in _resets:
        forget()
