"""Build both images, deploy the operator's manifests into a kind cluster, and run the end-to-end tests there.

python tools/kind_e2e.py           deletes the cluster afterwards
python tools/kind_e2e.py --keep    keeps it; the next run reuses it

The test AWS runs beside the cluster, at the gateway of kind's Docker network, where pods reach it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, ip_address
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build/kind"
CLUSTER, TAG = "missyou-e2e", "e2e"
#: The port that the overlay's NetworkPolicy allows.
PORT = 5000
NEEDED = {
    "docker": "install Docker: https://docs.docker.com/engine/install/",
    "kind": "go install sigs.k8s.io/kind@v0.33.0",
    "kubectl": "install kubectl: https://kubernetes.io/docs/tasks/tools/",
}
#: Adds this run's settings to the overlay.
KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../manifests/overlays/kind]
images: [{{name: missyou-operator, newTag: {tag}}}]
configMapGenerator:
  - name: missyou-operator-aws
    namespace: missyou-system
    behavior: merge
    literals: [AWS_ENDPOINT_URL={endpoint}, MISSYOU_RESYNC_SECONDS=6]
"""


def main() -> int:
    """Run everything. Returns pytest's exit status, or exits with the command that failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="keep the cluster")
    keep = parser.parse_args().keep
    if missing := [f"{name} is missing: {remedy}" for name, remedy in NEEDED.items() if not shutil.which(name)]:
        sys.exit("\n".join(missing))
    BUILD.mkdir(parents=True, exist_ok=True)
    for part in ("operator", "app"):
        run("docker", "build", "--quiet", f"--file=Dockerfile.{part}", f"--tag=missyou-{part}:{TAG}", ".")
    environ = os.environ | {"KUBECONFIG": str(BUILD / "kubeconfig")}
    try:
        create(environ)
        with test_aws(gateway()) as endpoint:
            deploy(endpoint, environ)
            suite = [sys.executable, "-m", "pytest", "-q", "tests/integration/test_operator.py"]
            return subprocess.run(suite, cwd=ROOT, env=environ | {"MISSYOU_E2E_AWS": endpoint}, check=False).returncode
    finally:
        if not keep:
            run("kind", "delete", "cluster", f"--name={CLUSTER}", environ=environ)


def create(environ: Mapping[str, str]) -> None:
    """Create the cluster unless it exists, and load the images into its node."""
    if CLUSTER not in output("kind", "get", "clusters").split():
        run("kind", "create", "cluster", f"--name={CLUSTER}", "--wait=180s", environ=environ)
    run("kind", "export", "kubeconfig", f"--name={CLUSTER}", environ=environ)
    run("kind", "load", "docker-image", f"--name={CLUSTER}", f"missyou-operator:{TAG}", f"missyou-app:{TAG}")


def deploy(endpoint: str, environ: Mapping[str, str]) -> None:
    """Apply the manifests, wait for the operator, and check that the app's image runs on the node."""
    (BUILD / "kustomization.yaml").write_text(KUSTOMIZATION.format(tag=TAG, endpoint=endpoint))
    run("kubectl", "apply", "--server-side", f"--kustomize={BUILD}", environ=environ)
    run("kubectl", "apply", "--server-side", "--filename=manifests/samples/secrets-access.yaml", environ=environ)
    rollout = ("kubectl", "rollout", "status", "--namespace=missyou-system", "deployment/missyou-operator")
    run(*rollout, "--timeout=180s", environ=environ)
    # Without a database it waits for one, and logs that.
    nowhere = "--env=DATABASE_URL=postgresql://nobody:none@127.0.0.1:1/none"
    image = (f"--image=missyou-app:{TAG}", "--image-pull-policy=Never", "--restart=Never")
    run("kubectl", "delete", "pod", "missyou-app", "--ignore-not-found", "--now", environ=environ)
    run("kubectl", "run", "missyou-app", *image, nowhere, environ=environ)
    deadline = time.monotonic() + 120
    while "the database is not available yet" not in output("kubectl", "logs", "missyou-app", environ=environ):
        if time.monotonic() > deadline:
            sys.exit("the app's image does not start: kubectl describe pod missyou-app")
        time.sleep(1)


def gateway() -> str:
    """Return the address at which pods reach this machine."""
    gateways = output("docker", "network", "inspect", "kind", "--format={{range .IPAM.Config}}{{.Gateway}} {{end}}")
    for address in map(ip_address, gateways.split()):
        if isinstance(address, IPv4Address):
            return str(address)
    sys.exit(f"kind's Docker network has no IPv4 gateway: {gateways!r}")


@contextlib.contextmanager
def test_aws(host: str) -> Iterator[str]:
    """Run the test AWS at an address, and yield its URL."""
    ready = BUILD / "aws.url"
    ready.unlink(missing_ok=True)
    command = [sys.executable, "-m", "missyou_local.aws", f"--host={host}", f"--port={PORT}", f"--ready-file={ready}"]
    with (BUILD / "aws.log").open("wb") as log:
        aws = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        while not ready.exists():
            if aws.poll() is not None:
                sys.exit(f"the test AWS does not start at {host}:{PORT}: see {BUILD / 'aws.log'}")
            time.sleep(0.1)
        yield ready.read_text().strip()
    finally:
        aws.terminate()
        aws.wait()


def run(*command: str, environ: Mapping[str, str] | None = None) -> None:
    """Print a command and run it. Exits if it fails."""
    sys.stdout.write(f"$ {' '.join(command)}\n")
    sys.stdout.flush()
    if subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode:
        sys.exit(f"failed: {' '.join(command)}")


def output(*command: str, environ: Mapping[str, str] | None = None) -> str:
    """Return a command's output, possibly empty."""
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False).stdout


if __name__ == "__main__":
    sys.exit(main())
