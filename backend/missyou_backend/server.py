"""gunicorn, configured for a task of ECS Fargate behind a load balancer."""

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
#: Seconds, longer than the ALB keeps an idle connection (60 s): else it might use one that we are just closing, and
#: answer 502 (Elastic Load Balancing User Guide, "Troubleshoot your Application Load Balancers").
KEEPALIVE = 75
#: Waiting for the AI or a push takes a thread, not the CPU.
THREADS = 8


class _Log(Logger):  # type: ignore[misc]
    """gunicorn's log as part of ours: warnings and worse. Requests are logged by `request_log`."""

    def setup(self, cfg: Any) -> None:
        """Leave handlers to the root logger."""
        self.cfg = cfg
        self.error_log.propagate = True
        self.access_log.disabled = True

    def access(self, *_: Any) -> None:
        """Write nothing."""


class Server(BaseApplication):  # type: ignore[misc]
    """The server of a process: a master, and workers that each make an application of their own after the fork."""

    def __init__(self, settings: Settings, environ: Mapping[str, str], make_app: Callable[[], Flask]) -> None:
        self._settings = settings
        self._environ = environ
        self._make_app = make_app
        super().__init__()

    def load_config(self) -> None:
        """Set what gunicorn is to do; called again on SIGHUP."""
        for name, value in configuration(self._settings, worker_count(vcpus(self._environ))).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application of a worker."""
        return self._make_app()


def configuration(settings: Settings, workers: int) -> dict[str, Any]:
    """Return gunicorn's settings, by its names."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{host}:{settings.port}",
        "workers": workers,
        "worker_class": "missyou_backend.worker.Worker",
        "threads": THREADS,
        "graceful_timeout": GRACE,
        "keepalive": KEEPALIVE,
        # A worker that does not say for so long that it lives is replaced. Its main thread says so, requests do not
        # hold it up.
        "timeout": 30,
        # The root file system may be read-only; /dev/shm is memory in any container.
        "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108 - as its manual has it
        "control_socket_disable": True,
        # `forwarded` reads the load balancer's headers, and knows whom to believe.
        "forwarded_allow_ips": "",
        "secure_scheme_headers": {},
        "logger_class": _Log,
        "loglevel": "warning",
        "when_ready": lambda server: _log.info(
            "started", extra={"port": settings.port, "workers": server.cfg.workers, "threads": THREADS}
        ),
        "on_exit": lambda _server: _log.info("stopped"),
    }
