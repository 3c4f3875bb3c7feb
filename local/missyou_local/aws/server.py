"""The server: moto behind the middleware, on loopback, with one thread per connection and kept-alive connections."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.moto_server.werkzeug_app import MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from missyou_local.aws import backends, shortcuts, wire
from missyou_local.aws.control import Control
from missyou_local.aws.ledger import Ledger
from missyou_local.aws.middleware import Application
from missyou_local.aws.ticking import METADATA, Heartbeat
from missyou_local.aws.timing import Timing

if TYPE_CHECKING:
    from missyou_local.dataplane.plane import DataPlane

HOST = "127.0.0.1"


class _Handler(MotoRequestHandler):
    """Keeps connections open, as AWS does, and answers without waiting for Nagle's algorithm."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:  # noqa: ARG002 - werkzeug's
        """Read no more requests: a fault has cut the connection, or the client is gone."""
        self.close_connection = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing: the ledger does."""


class Server:
    """A test AWS, served from a thread of its own until `close`.

    moto's models, and so all resources, belong to the process: a second server in it shows the same resources, with
    rules, counts and timing of its own.
    """

    def __init__(self, wsgi: BaseWSGIServer, control: Control) -> None:
        self._wsgi = wsgi
        self.control = control
        self._heartbeat: Heartbeat | None = None
        if control.plane is not None:
            control.plane.endpoint, control.plane.metadata = self.url, f"{self.url}{METADATA}"
            self._heartbeat = Heartbeat(control, control.plane)
        self._thread = threading.Thread(target=wsgi.serve_forever, name="test-aws", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the URL for AWS_ENDPOINT_URL."""
        return f"http://{self._wsgi.host}:{self._wsgi.port}"

    @property
    def timing(self) -> Timing:
        """Return the timing in force; setting its fields takes effect at once."""
        return self.control.timing

    def close(self) -> None:
        """Stop serving and free the port; end what the data plane runs."""
        if self._heartbeat is not None:
            self._heartbeat.stop()
        if self.control.plane is not None:
            self.control.plane.close()
        self._wsgi.shutdown()
        self._thread.join()
        self._wsgi.server_close()
        self.control.lag.close()
        self.control.ledger.close()


def serve(  # noqa: PLR0913 - each is one of the command's options
    port: int = 0,
    *,
    timing: Timing | None = None,
    log: Path | None = None,
    clock: Callable[[], float] | None = None,
    data_plane: Path | None = None,
    host: str = HOST,
) -> Server:
    """Start a test AWS on loopback, or at another address of this machine.

    `port` 0 takes a free one. `log`: file that gets each ledger entry as a line of JSON. `clock` gives the seconds
    since the epoch that all states go by; a test may have one of its own, and so see every state without waiting. By
    default it is a `Clock` at real speed, which the control endpoint can turn.
    `data_plane`: folder in which records are acted on: databases get PostgreSQL servers, tasks processes, and load
    balancers ports. Without one they stay records.
    """
    wsgi, control = application(timing or Timing(), clock=clock, log=log, data_plane=data_plane)
    return Server(make_server(host, port, wsgi, threaded=True, request_handler=_Handler), control)


def application(
    timing: Timing,
    *,
    clock: Callable[[], float] | None = None,
    log: Path | None = None,
    data_plane: Path | None = None,
) -> tuple[Application, Control]:
    """Return a test AWS that is not served yet, and its control. Parameters as for `serve`."""
    backends.configure()
    shortcuts.take()
    control = Control(timing, Ledger(log), clock, _data_plane(data_plane) if data_plane is not None else None)
    moto = shortcuts.Moto(create_backend_app)
    _warm_up(moto)
    return Application(moto, control), control


def _data_plane(folder: Path) -> DataPlane:
    from missyou_local.dataplane.plane import DataPlane  # noqa: PLC0415 - most servers need none, and its libraries

    return DataPlane(folder)


def _warm_up(moto: Any) -> None:
    """Load in advance what the first call of each service would wait for."""
    create_app: Any = create_backend_app
    for service, boto3_name in backends.WARM.items():
        moto.app_instances[service] = create_app(service)
        wire.botocore_model(boto3_name)
        wire.moto_model(boto3_name)
    account = backends.account_of("")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    for service in ("ec2", "rds", "ecs", "elbv2"):
        backends.backend(service, account, region)
