"""gunicorn, configured for an ECS Fargate task behind a load balancer."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from missyou_backend.cpus import vcpus, worker_count
from missyou_backend.settings import Settings

_log = logging.getLogger(__name__)
#: Seconds. ECS kills 30 s after SIGTERM (`stopTimeout`, ECS API Reference, ContainerDefinition).
GRACE = 25
#: Seconds, longer than the ALB keeps an idle connection (60 s). Otherwise it might use one that we are closing, and
#: answer 502 (Elastic Load Balancing User Guide, "Troubleshoot your Application Load Balancers").
KEEPALIVE = 75
#: Per worker. Waiting for the AI or a push takes a thread, but no CPU.
THREADS = 8
#: Connections of a worker, with room for other files among the 1,024 that a process may open by default.
CONNECTIONS = 512


class _Log(Logger):  # type: ignore[misc]
    """Passes gunicorn's warnings and errors to our log. `request_log` logs the requests."""

    def setup(self, cfg: Any) -> None:
        """Use the root logger's handlers."""
        self.cfg = cfg
        self.error_log.propagate = True
        self.access_log.disabled = True

    def access(self, *_: Any) -> None:
        """Log nothing."""


class Server(BaseApplication):  # type: ignore[misc]
    """A gunicorn master whose workers each make their own application after the fork."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], make_app: Callable[[], Flask]) -> None:
        self._settings = settings
        self.request_seconds = settings.request_seconds
        """How long a client may take to send a request: read by `worker.Worker`."""
        self._environ = environ
        self._make_app = make_app
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's settings. gunicorn calls this again on SIGHUP."""
        for name, value in configuration(self._settings, worker_count(vcpus(self._environ))).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return a worker's application."""
        return self._make_app()


def configuration(settings: Settings, workers: int) -> dict[str, Any]:
    """Return gunicorn's settings."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": workers,
        "worker_class": "missyou_backend.worker.Worker",
        "threads": THREADS,
        "worker_connections": CONNECTIONS,
        "graceful_timeout": GRACE,
        "keepalive": KEEPALIVE,
        # A worker without a heartbeat for this long is replaced. The heartbeat comes from its main thread, which
        # requests do not block.
        "timeout": 30,
        # The root file system may be read-only; /dev/shm is memory in any container.
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 - as gunicorn's manual says
        "control_socket_disable": True,
        # `forwarded` reads the load balancer's headers, and knows which peers to trust.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "logger_class": _Log,
        "loglevel": "warning",
        "when_ready": lambda server: _log.info(
            "started", extra={"port": settings.port, "workers": server.cfg.workers, "threads": THREADS}
        ),
        "on_exit": lambda _server: _log.info("stopped"),
    }
