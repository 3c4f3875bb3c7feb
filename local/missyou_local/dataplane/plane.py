"""The data plane of one test AWS: it runs its databases, tasks and load balancers."""

from __future__ import annotations

from pathlib import Path

from missyou_local.dataplane import DATABASES, TASKS
from missyou_local.dataplane.balancing import LoadBalancers
from missyou_local.dataplane.certificates import self_signed
from missyou_local.dataplane.databases import Databases
from missyou_local.dataplane.tasks import Tasks
from missyou_local.dataplane.tls_front import TlsFronts


class DataPlane:
    """Processes, servers and ports of this machine. `folder` gets data, records and certificates.

    `metadata` is the URL below which tasks find their metadata (`<metadata>/<task id>`), `endpoint` that of AWS's API;
    both are set by whoever serves them.
    `authorities` is the file (PEM) of the authority that signs the certificates of the databases.
    """

    def __init__(self, folder: Path) -> None:
        certificate = self_signed(folder / "tls", ["localhost", "127.0.0.1"])
        self.authorities = folder / "tls" / "ca.pem"
        self.metadata = self.endpoint = ""
        self._fronts = TlsFronts(*certificate)
        self.databases = Databases(folder / DATABASES, self._fronts)
        self.tasks = Tasks(folder / TASKS)
        self.balancers = LoadBalancers(certificate)

    def clear(self) -> None:
        """End and remove everything that runs, and stay usable."""
        self.tasks.close()
        self.databases.close()
        self.balancers.apply((), ())

    def close(self) -> None:
        """End everything for good."""
        self.tasks.close()
        self.databases.close()
        self.balancers.close()
        self._fronts.close()
