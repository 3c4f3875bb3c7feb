"""The workflows: linted by actionlint and shellcheck, pinned, with few rights; and their scripts do what they say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from missyou_local import binaries
from tests import gotools
from tests.groups import GROUPS
from tests.manifests import helm

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
PINNED = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def load(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / ".github/workflows" / name).read_text())
    return content


def steps() -> Iterator[dict[str, Any]]:
    for path in WORKFLOWS:
        for job in load(path.name)["jobs"].values():
            yield from job.get("steps", ())


def script(workflow: str, job: str, name: str) -> str:
    [step] = [step for step in load(workflow)["jobs"][job]["steps"] if step.get("name") == name]
    return str(step["run"])


def run(text: str, folder: Path, environ: Mapping[str, str]) -> None:
    """As the runner does: bash, which ends at the first error."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", text]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout of what is committed and what is about to be."""
    tree = tmp_path / "tree"
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True)
    for name in names.stdout.decode().split():
        if not (ROOT / name).exists():
            continue  # deleted, which is not committed yet
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    return tree


@pytest.mark.timeout(300)
def test_actionlint_and_shellcheck_find_nothing() -> None:
    actionlint = gotools.built(Path(__file__).parent / "actionlint", "github.com/rhysd/actionlint/cmd/actionlint")
    command = [actionlint, f"-shellcheck={Path(sys.executable).with_name('shellcheck')}", *WORKFLOWS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actions_of_others_are_pinned_to_a_commit() -> None:
    used = [line.split("uses: ")[1] for path in WORKFLOWS for line in path.read_text().splitlines() if "uses: " in line]
    assert len(used) > 10
    assert [each for each in used if not (each.startswith("./") or PINNED.fullmatch(each))] == []


def test_rights_are_given_by_job_and_no_token_stays_behind() -> None:
    assert all(load(path.name)["permissions"] == {"contents": "read"} for path in WORKFLOWS)
    checkouts = [step for step in steps() if "actions/checkout" in step.get("uses", "")]
    assert checkouts
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


def test_the_jobs_run_all_groups_and_each_once() -> None:
    matrix = load("test.yaml")["jobs"]["groups"]["strategy"]["matrix"]["groups"]
    assert sorted(name for groups in matrix for name in groups.split()) == sorted(GROUPS)


def test_every_job_ends() -> None:
    for path in WORKFLOWS:
        for name, job in load(path.name)["jobs"].items():
            assert "timeout-minutes" in job or "uses" in job, f"{path.name}: {name}"


def test_the_new_tag_gets_into_git_and_nothing_else(tree: Path, tmp_path: Path) -> None:
    git = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1"}
    origin = tmp_path / "origin.git"
    first = "git init -q -b main && git add -A && git -c user.name=a -c user.email=a@b commit -qm first"
    run(f"{first} && git init -q --bare {origin}", tree, git)
    [step] = [step for step in load("app.yaml")["jobs"]["push"]["steps"] if step.get("name") == "the tag into Git"]
    run(
        step["run"],
        tree,
        git
        | {
            "FILE": step["env"]["FILE"],
            "GH_TOKEN": "a-token",
            "GITHUB_SHA": "0123abc",
            "GITHUB_REPOSITORY": "owner/name",
            "GITHUB_REF_NAME": "main",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{origin}.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://x-access-token:a-token@github.com/owner/name.git",
        },
    )
    told = subprocess.run(
        ["git", "show", "--format=%s", "main"], cwd=origin, capture_output=True, text=True, check=True
    )
    changed = [line for line in told.stdout.splitlines() if re.match(r"[-+] ", line)]
    assert changed == ["-    tag: v1", "+    tag: 0123abc"]


@pytest.mark.timeout(1200)
def test_a_release_names_its_own_images(tree: Path, tmp_path: Path) -> None:
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is missing")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "helm").symlink_to(helm.find())
    (tree / "build").mkdir()
    for name in ("operator", "backend"):
        (tree / f"build/{name}.cdx.json").write_text("{}")
    environ = {
        "HOME": str(tmp_path),
        "PATH": f"{bin_}:{os.environ['PATH']}",
        "REGISTRY": "registry.example.com",
        "GITHUB_REPOSITORY_OWNER": "Owner",
        "GITHUB_REF_NAME": "v1.2.3",
    }
    run(script("release.yaml", "release", "manifests and chart for these images"), tree, environ)
    release = tree / "build/release"
    run("sha256sum --check --quiet SHA256SUMS", release, environ)
    image = "registry.example.com/owner/missyou-operator:v1.2.3"
    manifests = [item for item in yaml.safe_load_all((release / "install.yaml").read_text()) if item]
    command = [str(bin_ / "helm"), "template", "missyou-operator", str(release / "missyou-operator-1.2.3.tgz")]
    command.append(f"--kube-version={binaries.KUBERNETES}")
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for objects in (manifests, [item for item in yaml.safe_load_all(done.stdout) if item]):
        [deployment] = [item for item in objects if item["kind"] == "Deployment"]
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert {path.suffix for path in release.iterdir()} == {".yaml", ".tgz", ".json", ""}
