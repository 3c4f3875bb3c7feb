"""The demo: it applies one sample, follows its stack until it is ready, and shows what to do next."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from missyou_local import cluster
from missyou_local.controlplane import api_client
from missyou_local.environment import ROOT, DemoError, Surroundings, bring_up, claim, state_folder
from missyou_local.installation import install
from missyou_local.processes import Process
from missyou_local.pushing import Pusher
from missyou_local.say import Voice

SAMPLES = {"production": "missyou.yaml", "development": "missyou-development.yaml"}
#: Seconds until the demo gives up: an emulator needs about ten, a busy machine many more; a real AWS twenty minutes.
_PATIENCE = {True: 300, False: 2400}


def demo(sample: str) -> int:
    """Run the demo with one of `SAMPLES`; return the exit code. Errors: DemoError, NoControlPlaneError."""
    voice = Voice()
    if sample not in SAMPLES:
        raise DemoError(f"there is no sample {sample!r}: SAMPLE is one of {', '.join(SAMPLES)}")
    state = state_folder()
    claim(state)
    place = bring_up(state, voice)
    operator = install(state, place, voice)
    path = ROOT / "manifests/samples" / SAMPLES[sample]
    (manifest,) = cluster.documents([path])
    name = manifest["metadata"]["name"]
    api = api_client(place.kubeconfig)
    _apply(api, place, path, manifest)
    voice.step("sample", f"kubectl apply -f {_relative(path)}")
    voice.line()
    code = _follow(api, place, operator, name, voice)
    if code:
        return code
    _show(api, place, name, voice)
    _go_on(place, name, path, str(cluster.get_app(api, name).get("status", {}).get("url", "")), voice)
    return 0


def _apply(api: client.ApiClient, place: Surroundings, path: Path, manifest: dict[str, Any]) -> None:
    """Apply a sample with kubectl, whose marks let the user's next `kubectl apply` go on from it; or without."""
    if kubectl := shutil.which("kubectl"):
        command = [kubectl, "apply", "-n", "default", "-f", str(path)]
        done = subprocess.run(command, env=place.environ(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoError(f"kubectl apply -f {_relative(path)}: {done.stderr.strip()}")
        return
    try:
        cluster.apply(api, [manifest])
    except ApiException as error:
        raise DemoError(f"the API server refuses {_relative(path)}: {cluster.reason(error)}") from None


def _follow(api: client.ApiClient, place: Surroundings, operator: Process, name: str, voice: Voice) -> int:
    """Show progress until the app is Ready, and push the image that it waits for; return an exit code."""
    patience = _PATIENCE[place.emulated]
    command = [_tool("missyou"), "watch", name, "-n", "default", "--timeout", str(patience)]
    pusher = Pusher(api, place, name, voice)
    watch = subprocess.Popen(command, env=place.environ())
    try:
        while watch.poll() is None and operator.alive():
            try:
                watch.wait(timeout=0.2)
            except subprocess.TimeoutExpired:
                pusher.look()
    finally:
        # After an interrupt it has received the same signal and prints its last line itself.
        watch.terminate()
        watch.wait()
    if not operator.alive():
        raise DemoError(f"the operator has ended; the end of {operator.log}:\n{operator.log_tail()}")
    if watch.returncode:
        voice.note(f"kubectl describe missyouapp {name} tells more, and so does {operator.log}")
    else:
        pusher.report()
    return watch.returncode


def _show(api: client.ApiClient, place: Surroundings, name: str, voice: Voice) -> None:
    """Show the object as kubectl does, and its AWS resources."""
    kubectl = shutil.which("kubectl")
    get = [kubectl, "get", "missyouapps", "-n", "default"] if kubectl else [_tool("missyou"), "get", "-n", "default"]
    voice.title("$ kubectl get missyouapps")
    _run(get, place.environ())
    voice.title(f"$ missyou resources {name}")
    _run([_tool("missyou"), "resources", name, "-n", "default"], place.environ())
    status: Mapping[str, Any] = cluster.get_app(api, name).get("status", {})
    voice.title(f"{status.get('url', name)} · Ready, {voice.seconds():.0f} s after the start")


def _go_on(place: Surroundings, name: str, path: Path, url: str, voice: Voice) -> None:
    """Print what can be done next."""
    voice.line()
    voice.line('To go on in this shell, eval "$(make -s demo-env)", which does:')
    voice.line()
    for line in place.exports().splitlines():
        voice.line(f"  {line}")
    voice.line()
    if shutil.which("kubectl") is None:
        voice.line("There is no kubectl here: https://kubernetes.io/docs/tasks/tools/ tells how to get it.")
        voice.line(f"Until then there are:  {shlex.quote(_tool('missyou'))} get | watch | resources")
        voice.line()
    patch = f'kubectl patch missyouapp {name} --type merge -p \'{{"spec":{{"image":{{"tag":"v2"}}}}}}\''
    runs = (
        ("use", f"curl {url}/health        (the app itself: {url}/openapi.json)"),
        ("update", "make demo-push TAG=v2"),
        ("", patch),
        ("break", "make demo-push TAG=bad COMMAND='echo no such table: users; exit 1', then the same with bad"),
    )
    deletes = (
        ("delete", f"kubectl annotate missyouapp {name} missyou.app/confirm-deletion={name}"),
        ("", f"kubectl delete missyouapp {name}"),
    )
    for what, how in (
        *(runs if place.own_aws else ()),
        ("inspect", f"kubectl describe missyouapp {name}"),
        ("change", f"edit {_relative(path)}, then kubectl apply -f {_relative(path)}"),
        *deletes,
        ("end", "make demo-down"),
    ):
        voice.line(f"  {what:<8}{how}")


def _run(command: list[str], environ: dict[str, str]) -> None:
    sys.stdout.flush()
    subprocess.run(command, env=environ, check=False)


def _relative(path: Path) -> Path:
    return path.relative_to(ROOT)


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
