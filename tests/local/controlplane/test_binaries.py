"""Where the binaries are looked for, in which order, and that they come into the cache whole or not at all."""

from __future__ import annotations

import fcntl
import hashlib
import io
import re
import tarfile
from pathlib import Path

import pytest

from missyou_local import binaries, progress
from missyou_local.binaries import NoControlPlaneError

FAKE_GO = """#!/bin/sh
[ "$1" = list ] && exit 0
while [ "$1" != -o ]; do shift; done
echo built >> "$BUILDS"
printf '#!/bin/sh\\n' > "$2"
chmod +x "$2"
"""


def programs(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("kube-apiserver", "etcd"):
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return folder


def cached(home: Path) -> Path:
    return home / "missyou" / f"controlplane-v{binaries.KUBERNETES}"


@pytest.fixture(autouse=True)
def unreachable(monkeypatch):
    """Nothing can be downloaded."""

    def refuse(*_, **__):
        raise OSError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


@pytest.fixture
def said():
    return []


@pytest.fixture
def go(tmp_path, monkeypatch):
    """A Go that builds at once; returns the file with a line per build."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "go").write_text(FAKE_GO)
    (tools / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    monkeypatch.setenv("BUILDS", str(tmp_path / "builds"))
    return tmp_path / "builds"


def test_kubebuilder_assets_come_first(tmp_path, said):
    programs(cached(tmp_path))
    assets = programs(tmp_path / "assets")
    environ = {"KUBEBUILDER_ASSETS": str(assets), "XDG_CACHE_HOME": str(tmp_path)}
    assert binaries.find(said.append, environ).etcd == assets / "etcd"


def test_kubebuilder_assets_without_the_programs_are_an_error(tmp_path, said):
    with pytest.raises(NoControlPlaneError, match="correct it or unset it"):
        binaries.find(said.append, {"KUBEBUILDER_ASSETS": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)})


def test_then_comes_the_cache(tmp_path, said, go):
    folder = programs(cached(tmp_path))
    found = binaries.find(said.append, {"XDG_CACHE_HOME": str(tmp_path)})
    assert (found.apiserver, said) == (folder / "kube-apiserver", [])
    assert not go.exists()


def archive(names) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in names:
            member = tarfile.TarInfo(f"controller-tools/envtest/{name}")
            member.size, member.mode = 3, 0o755
            tar.addfile(member, io.BytesIO(b"bin"))
    return out.getvalue()


def serve(monkeypatch, content: bytes, checksum: str) -> None:
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: io.BytesIO(content))
    monkeypatch.setattr(binaries, "CHECKSUMS", dict.fromkeys(binaries.CHECKSUMS, checksum))


def test_then_the_envtest_archive_without_its_kubectl(tmp_path, said, monkeypatch, go):
    content = archive(["kube-apiserver", "etcd", "kubectl"])
    serve(monkeypatch, content, hashlib.sha512(content).hexdigest())
    binaries.find(said.append, {"XDG_CACHE_HOME": str(tmp_path)})
    assert sorted(path.name for path in cached(tmp_path).iterdir()) == ["etcd", "kube-apiserver"]
    assert not go.exists()


def test_an_archive_with_another_checksum_is_not_used(tmp_path, said, monkeypatch, go):
    serve(monkeypatch, archive(["kube-apiserver", "etcd"]), "0" * 128)
    binaries.find(said.append, {"XDG_CACHE_HOME": str(tmp_path)})
    assert any("wrong checksum" in line for line in said)
    assert go.read_text() == "built\n" * 2


def test_last_comes_a_build_once(tmp_path, said, go):
    for _ in range(2):
        found = binaries.find(said.append, {"XDG_CACHE_HOME": str(tmp_path)})
    assert found.etcd == cached(tmp_path) / "etcd"
    assert go.read_text() == "built\n" * 2
    assert [line for line in said if "about five minutes" in line] == said


def test_without_go_the_error_says_what_to_do(tmp_path, said, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoControlPlaneError, match=r"install Go .* KUBEBUILDER_ASSETS .* KUBECONFIG"):
        binaries.find(said.append, {"XDG_CACHE_HOME": str(tmp_path)})
    assert not cached(tmp_path).exists()


def test_a_failed_build_leaves_nothing_behind(tmp_path, said, go, monkeypatch):
    (tmp_path / "tools" / "go").write_text("#!/bin/sh\necho no space left >&2\nexit 1\n")
    with pytest.raises(NoControlPlaneError, match="no space left"):
        binaries.find(said.append, {"XDG_CACHE_HOME": str(tmp_path)})
    assert [path.suffix for path in (tmp_path / "missyou").iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_said_in_a_line(said, go):
    with pytest.raises(NoControlPlaneError, match="set XDG_CACHE_HOME") as told:
        binaries.find(said.append, {"XDG_CACHE_HOME": "/proc/nowhere"})
    assert "\n" not in str(told.value)


def test_a_build_shows_how_far_it_is(tmp_path, said, go, monkeypatch):
    """Go's lines are counted: what it fetches, what it compiles."""
    monkeypatch.setattr(progress, "_STAYING", 0.01)
    wait = f'until grep -qs "2 of at most" {tmp_path}/said; do :; done\n'
    script = FAKE_GO.replace("exit 0", "{ echo one; echo two; echo three; exit 0; }").replace(
        "echo built", f"echo first >&2; echo second >&2; {wait}echo built"
    )
    (tmp_path / "tools" / "go").write_text(script)

    def say(line: str) -> None:
        with (tmp_path / "said").open("a") as file:
            file.write(line + "\n")

    binaries.find(say, {"XDG_CACHE_HOME": str(tmp_path)})
    lines = (tmp_path / "said").read_text()
    assert re.search(r"^step 2 of 3, kube-apiserver: \d+ s, 2 of at most 3 packages compiled$", lines, re.MULTILINE)


def test_who_waits_for_another_run_sees_for_how_long(tmp_path, monkeypatch, go):
    monkeypatch.setattr(progress, "_STAYING", 0.01)
    folder = cached(tmp_path)
    folder.parent.mkdir(parents=True)
    said = []
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        def say(line: str) -> None:
            said.append(line)
            if line.startswith("waiting: "):
                fcntl.flock(lock, fcntl.LOCK_UN)

        binaries.find(say, {"XDG_CACHE_HOME": str(tmp_path)})
    assert any(line.startswith("waiting: ") for line in said)
