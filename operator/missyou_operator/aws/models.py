"""AWS's models of its services, from which botocore makes clients: loaded once for all regions, and small."""

from __future__ import annotations

import functools
import sys
from typing import Any

from botocore.loaders import JSONFileLoader, Loader
from botocore.session import get_session


@functools.cache
def loader() -> Loader:
    """Return the one loader of AWS's models: one for each region would load them all again."""
    found: Loader = get_session().get_component("data_loader")
    found.file_loader = _Files()
    return found


class _Files(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """Models in plain dictionaries, which keep their order, too, without documentation, and with each word once.

    As botocore reads them, those of the services that a stack needs take 57 MB with their clients; so, 36 MB.
    """

    def load_file(self, file_path: str) -> Any:
        """Return what a file says, None where there is none."""
        return _small(super().load_file(file_path))


def _small(model: Any) -> Any:
    if isinstance(model, dict):
        return {
            key: "" if key == "documentation" and isinstance(part, str) else _small(part) for key, part in model.items()
        }
    if isinstance(model, list):
        return [_small(part) for part in model]
    return sys.intern(model) if isinstance(model, str) else model
