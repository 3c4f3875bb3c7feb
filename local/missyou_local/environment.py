"""The demo's surroundings: a cluster and an AWS, the user's if the environment names one, otherwise started here."""

from __future__ import annotations

import os
import shlex
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_local import binaries, controlplane, forecast, processes
from missyou_local.controlplane import api_client, current_context
from missyou_local.processes import wait_until
from missyou_local.say import Voice

ROOT = Path(__file__).parents[2]
#: In the state folder: name of the test AWS's process, and the folder of what it runs.
AWS, DATA_PLANE = "aws", "data-plane"
_REGION = "us-east-1"
#: The key ID for an AWS that needs none. In the environment it shows that `make demo-env` has been evaluated.
_KEY = "missyou-demo"
_MARK = ".missyou-demo"
_NO_PROXY = ("NO_PROXY", "no_proxy")


class DemoError(Exception):
    """The demo cannot go on; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where the demo runs. `own_cluster` and `own_aws`: started by the demo, and stopped by `make demo-down`."""

    kubeconfig: Path
    endpoint: str
    own_cluster: bool
    own_aws: bool

    @property
    def emulated(self) -> bool:
        """Return whether AWS is an emulator: it pulls no images, and databases take seconds."""
        return not (urlsplit(self.endpoint).hostname or "").endswith(("amazonaws.com", "amazonaws.com.cn", "api.aws"))

    def variables(self) -> dict[str, str]:
        """Return the environment variables that lead kubectl, aws and missyou to it, beside those that are set."""
        found = {"KUBECONFIG": str(self.kubeconfig), "AWS_ENDPOINT_URL": self.endpoint}
        known = {} if self.own_aws else os.environ
        if self.own_aws or (self.emulated and not {"AWS_ACCESS_KEY_ID", "AWS_PROFILE"} & known.keys()):
            found |= {"AWS_ACCESS_KEY_ID": _KEY, "AWS_SECRET_ACCESS_KEY": _KEY}
        if not {"AWS_REGION", "AWS_DEFAULT_REGION"} & known.keys():
            # boto3 and Terraform read the second one.
            found |= {"AWS_REGION": _REGION, "AWS_DEFAULT_REGION": _REGION}
        return found

    def exports(self) -> str:
        """Return them as shell commands."""
        shown = self.variables()
        if any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ):
            # Otherwise curl and aws would look for the demo behind the proxy.
            shown |= {name: os.environ[name] for name in _NO_PROXY if name in os.environ}
        return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in shown.items())

    def environ(self) -> dict[str, str]:
        """Return the whole environment for programs. With an AWS of the demo's own, nothing in it leads to another."""
        kept = {name: value for name, value in os.environ.items() if not (self.own_aws and name.startswith("AWS_"))}
        if self.own_aws:
            kept |= {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
            kept["AWS_EC2_METADATA_DISABLED"] = "true"
        return kept | self.variables()


def state_folder() -> Path:
    """Return the folder of this checkout's demo: pids, logs, keys and data."""
    return forecast.state_folder(ROOT, os.environ)


def claim(state: Path) -> None:
    """Create the folder, or reuse an earlier demo's. Error: DemoError where it holds other things."""
    if state.is_dir() and not is_ours(state) and any(state.iterdir()):
        raise DemoError(f"{state} holds other things: let MISSYOU_STATE name a folder that is empty or not there yet")
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    (state / _MARK).touch()


def is_ours(state: Path) -> bool:
    """Return whether a folder was made by a demo, and may be removed."""
    return (state / _MARK).exists()


def find(state: Path) -> Surroundings | None:
    """Return the surroundings as they are, without starting anything; None if something is missing."""
    given_kubeconfig, given_endpoint = given(state)
    plane = controlplane.running(state / "cluster")
    kubeconfig = given_kubeconfig or (plane.kubeconfig if plane else None)
    endpoint = given_endpoint or _serving(state)
    if kubeconfig is None or endpoint is None:
        return None
    return Surroundings(kubeconfig, endpoint, given_kubeconfig is None, given_endpoint is None)


def bring_up(state: Path, voice: Voice) -> Surroundings:
    """Start what is missing. Errors: DemoError, NoControlPlaneError."""
    given_kubeconfig, given_endpoint = given(state)
    if given_kubeconfig:
        kubeconfig = given_kubeconfig
        voice.step("Kubernetes", f"your cluster: {_described(kubeconfig)}")
    else:
        plane = controlplane.running(state / "cluster")
        again = " (still running)" if plane else ""
        plane = plane or controlplane.start(state / "cluster", binaries.find(voice.note), voice.note)
        kubeconfig = plane.kubeconfig
        voice.step("Kubernetes", f"kube-apiserver and etcd, RBAC on{again}")
    if given_endpoint:
        endpoint = given_endpoint
        if not answers(endpoint):
            raise DemoError(f"AWS_ENDPOINT_URL is {endpoint}, where nobody answers: unset it to get a test AWS")
        voice.step("AWS", f"yours: {endpoint}")
    else:
        running = _serving(state)
        endpoint = running or _start_aws(state)
        voice.step("AWS", f"test AWS at {endpoint}{' (still running)' if running else ''}")
    return Surroundings(kubeconfig, endpoint, given_kubeconfig is None, given_endpoint is None)


def spare_proxies() -> None:
    """Exempt what runs on this machine from proxies, for this process and all that it starts."""
    for name in _NO_PROXY:
        known = [each for each in os.environ.get(name, "").split(",") if each]
        os.environ[name] = ",".join([*known, *(each for each in ("127.0.0.1", "localhost") if each not in known)])


def answers(url: str) -> bool:
    """Return whether a server answers at a URL with a status below 500."""
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - the user's URL, or our own
    except urllib.error.HTTPError as answer:
        return answer.code < 500
    except (OSError, ValueError):
        return False
    return True


def given(state: Path) -> tuple[Path | None, str | None]:
    """Return the cluster and the AWS that the user names. This demo's own exports do not count."""
    named = os.environ.get("KUBECONFIG") or ""
    ours = forecast.starts_cluster(state, os.environ)
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or None
    if ours and os.environ.get("AWS_ACCESS_KEY_ID") == _KEY:
        endpoint = None
    if ours:
        return None, endpoint
    path = Path(named.split(os.pathsep)[0]).absolute()
    if not path.exists():
        raise DemoError(f"KUBECONFIG names {path}, which does not exist: unset it to get a cluster made")
    return path, endpoint


def _described(kubeconfig: Path) -> str:
    """Name the context, once its API server has answered."""
    try:
        version = client.VersionApi(api_client(kubeconfig)).get_code(_request_timeout=10).git_version
    except (config.ConfigException, ApiException, HTTPError, OSError) as error:
        reason = str(getattr(error, "reason", None) or error)
        raise DemoError(f"the cluster of KUBECONFIG ({kubeconfig}) does not answer: {reason}") from None
    return f"context {current_context(kubeconfig)}, {version}"


def _start_aws(state: Path) -> str:
    ready = state / "aws.url"
    ready.unlink(missing_ok=True)
    # Databases, tasks and load balancers run for real, so that the URL in the status answers.
    acting = ["--data-plane", str(state / DATA_PLANE)]
    command = [sys.executable, "-m", "missyou_local.aws", "--ready-file", str(ready), *acting]
    server = processes.start(state, AWS, command, os.environ)
    if not wait_until(lambda: ready.exists() or not server.alive(), 60.0) or not ready.exists():
        server.stop()
        raise DemoError(f"the test AWS does not start; the end of {server.log}:\n{server.log_tail()}")
    return ready.read_text().strip()


def _serving(state: Path) -> str | None:
    ready = state / "aws.url"
    return ready.read_text().strip() if processes.recorded(state, AWS) and ready.exists() else None
