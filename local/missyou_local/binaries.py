"""Where kube-apiserver and etcd come from.

In this order: `KUBEBUILDER_ASSETS` (the envtest convention), the project's cache, the official envtest archive, and
last a build with Go from the small module in `gomodule/`. What is fetched or built goes into the cache, outside the
tree, so that the next run starts at once and works offline.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from missyou_local.building import BuildError, build
from missyou_local.progress import Progress

#: What the Go module builds.
KUBERNETES = "1.36.3"
#: The newest envtest archive of the same minor version, with its SHA-512 sums as published in
#: kubernetes-sigs/controller-tools, envtest-releases.yaml.
ENVTEST = "1.36.2"
CHECKSUMS = {
    "linux-amd64": "ea743186c8a799f5cf8faf16969f86189d003cb7d130e0ac4b58789f1e5748dc"
    "f30ebe91c837a10d5ac415383da3e10b9e64d65785c938c23e739781cfb76f08",
    "linux-arm64": "2d72ee985a8e262a3c57dc9f7f0fd891f6a8c7bf7ebaa2db6dc6d8eac8ae28181"
    "afe51c1f368b67756cdb40b10de9b205609e1726e5f27f7c6d824dd9c6649ac",
    "darwin-amd64": "b4fe9f973cd1992e3880f8b230ed32c0c243b83371591e3e3315f4404df2cdbe"
    "f8ee94eeb9bb245b7e5feb987d5c4a76c43e0877654ab73f00d7bbc2b9984514",
    "darwin-arm64": "9278f9e5af556b2f1f2d139769c1f0d717c7b4426917fdebdba898bcb725a916"
    "e4910d6160886194ff9be9589ea7c5c32c2b8ae0754703874b7c8ba8ddfc41ce",
}
_NAMES = ("kube-apiserver", "etcd")


class NoControlPlaneError(Exception):
    """No way to get the binaries; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The two programs."""

    apiserver: Path
    etcd: Path


def find(say: Callable[[str], None], environ: Mapping[str, str] = os.environ) -> Binaries:
    """Return the binaries, fetched or built if need be. `say` informs whoever waits. Error: NoControlPlaneError."""
    if given := environ.get("KUBEBUILDER_ASSETS"):
        if found := _in(Path(given)):
            return found
        raise NoControlPlaneError(
            f"KUBEBUILDER_ASSETS is {given}, where kube-apiserver and etcd are not: correct it or unset it"
        )
    folder = kept_in(environ)
    if found := _in(folder):
        return found
    try:
        with _locked(folder.with_name(f"{folder.name}.lock"), say):
            return _in(folder) or _downloaded(folder, say) or _built(folder, say)
    except OSError as error:
        if error.filename is None or not Path(error.filename).is_relative_to(folder.parent.parent):
            raise
        raise NoControlPlaneError(
            f"the cache {folder.parent} cannot be written ({error.strerror}): set XDG_CACHE_HOME to a folder that can"
        ) from None


def available(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the binaries are there without being fetched or built."""
    return "KUBEBUILDER_ASSETS" in environ or _in(kept_in(environ)) is not None


def kept_in(environ: Mapping[str, str]) -> Path:
    """Return the folder of the cache that the binaries are kept in."""
    return cache_folder(environ) / f"controlplane-v{KUBERNETES}"


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the project's cache: `$XDG_CACHE_HOME/missyou`, usually `~/.cache/missyou`."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "missyou"


def _in(folder: Path) -> Binaries | None:
    apiserver, etcd = (folder / name for name in _NAMES)
    return Binaries(apiserver, etcd) if os.access(apiserver, os.X_OK) and os.access(etcd, os.X_OK) else None


@contextmanager
def _locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Allow one process at a time to fetch or build. The others wait and find the result."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for kube-apiserver and etcd, which another run is making…")
            with Progress("waiting", say):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(made: Path, folder: Path) -> Binaries:
    """Move a complete folder of binaries into the cache in one step."""
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    found = _in(folder)
    if found is None:
        raise NoControlPlaneError(f"{folder} lacks kube-apiserver or etcd although it has just been made")
    return found


def _downloaded(folder: Path, say: Callable[[str], None]) -> Binaries | None:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    target = f"{sys.platform}-{machine}"
    if target not in CHECKSUMS:
        return None
    name = f"envtest-v{ENVTEST}"
    url = f"https://github.com/kubernetes-sigs/controller-tools/releases/download/{name}/{name}-{target}.tar.gz"
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        archive, made = Path(scratch) / "envtest.tar.gz", Path(scratch) / "made"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer, archive.open("wb") as out:
                say(f"fetching kube-apiserver and etcd {ENVTEST} (once)…")
                with Progress("fetched", say) as progress:
                    while chunk := answer.read(1 << 20):
                        out.write(chunk)
                        progress.detail = f"{out.tell() >> 20} MB"
        except (urllib.error.URLError, TimeoutError, OSError):
            return None
        if hashlib.sha512(archive.read_bytes()).hexdigest() != CHECKSUMS[target]:
            say(f"the envtest archive {ENVTEST} has a wrong checksum and is not used")
            return None
        made.mkdir()
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile() and Path(member.name).name in _NAMES:
                    member.name = Path(member.name).name
                    tar.extract(member, made, filter="data")
        return _install(made, folder)


def _built(folder: Path, say: Callable[[str], None]) -> Binaries:
    go = shutil.which("go")
    if go is None:
        raise NoControlPlaneError(
            "kube-apiserver and etcd can neither be downloaded nor built here: install Go 1.26 or newer, or set "
            "KUBEBUILDER_ASSETS to a folder that holds them, or KUBECONFIG to use a cluster that you have"
        )
    say(f"building kube-apiserver {KUBERNETES} and etcd with Go (once, about five minutes)…")
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        try:
            build(go, made, KUBERNETES, folder.parent, say)
        except BuildError as error:
            raise NoControlPlaneError(str(error)) from None
        return _install(made, folder)
