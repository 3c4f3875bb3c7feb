"""The operator's process: it begins with what the API server serves, and goes on when a watch ends for good."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
import time

import kopf
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_operator.controller.garbage import search_seldom
from missyou_operator.controller.handlers import Operator
from missyou_operator.controller.kube import RIGHTS, Kube
from missyou_operator.controller.probes import ProbeServer
from missyou_operator.controller.settings import Settings
from missyou_operator.controller.watching import Watching

logger = logging.getLogger(__name__)

_UNBOUNDED = (
    "no permissions boundary is set: whoever has this operator's AWS credentials can create a role with any rights. "
    "Set --permissions-boundary to the ARN of the policy that missyou iam-policy --boundary prints: docs/permissions.md"
)
#: Seconds between two checks of whether MissYouApps are served again.
_AGAIN = 1.0
#: Seconds for which a thread that computes keeps others waiting. Python's default is five times as much, and between a
#: change and its first call lie some dozens of such waits.
_SWITCH = 0.001


def serve(settings: Settings) -> None:
    """Run the operator until it is told to stop. Ends with a message where MissYouApps are not served at the start."""
    try:
        kube = Kube(settings.own_namespace)
        if why := kube.unserved(settings.namespaces):
            sys.exit(why)
        operator = Operator(settings, kube)
    except ApiException as error:
        sys.exit(f"the operator may not read the namespace kube-system ({error.status} {error.reason}): {RIGHTS}")
    except (HTTPError, OSError) as error:
        sys.exit(f"cannot reach the API server ({type(error).__name__}): is it up, and does KUBECONFIG lead to it?")
    search_seldom()
    sys.setswitchinterval(_SWITCH)
    if settings.probes:
        ProbeServer(settings.probes, operator.answers())
    if not settings.permissions_boundary:
        logger.warning(_UNBOUNDED)
    try:
        Watching(kube, operator.tenants, operator.woken).begin(settings.namespaces)
    except ApiException as error:
        sys.exit(f"the operator may not list MissYouTenants and namespaces ({error.status} {error.reason}): {RIGHTS}")
    except (HTTPError, OSError) as error:
        sys.exit(f"cannot reach the API server ({type(error).__name__}): is it up, and does KUBECONFIG lead to it?")
    operator.shards.begin()
    try:
        with contextlib.suppress(KeyboardInterrupt):
            while ended := _watch(operator):
                _wait_until_served(operator, ended)
                logger.warning("MissYouApps are served: the operator goes on")
    finally:
        operator.end()


def _watch(operator: Operator) -> Exception | None:
    """Run kopf until a signal ends it, or return what has ended its watch."""
    settings = operator.settings
    try:
        kopf.run(
            registry=operator.registry(),
            # By itself kopf asks for the user's name, which the user of a container does not have.
            identity=settings.identity,  # type: ignore[arg-type]  # kopf does not export the type, a NewType of str
            standalone=True,
            clusterwide=not settings.namespaces,
            namespaces=list(settings.namespaces),
        )
    except Exception as error:  # whatever has ended the watch, another one is begun
        return error
    return None


def _wait_until_served(operator: Operator, ended: Exception) -> None:
    """Say why the watch has ended, and wait until there can be another."""
    # kopf's handler has ended with its event loop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    said = ""
    while why := operator.kube.unserved(operator.settings.namespaces):
        if why != said:
            logger.error("%s. The operator goes on by itself once that is done", why)
            said = why
        time.sleep(_AGAIN)
    if not said and getattr(ended, "status", None) == 403:
        sys.exit(f"the operator may list MissYouApps, and not watch them: {RIGHTS}")
    if not said:
        logger.error("the watch of MissYouApps has ended", exc_info=ended)
        time.sleep(_AGAIN)
