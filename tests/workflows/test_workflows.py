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
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in load(path.name)["jobs"].items():
            yield f"{path.stem}.{name}", job


def may(job: dict[str, Any], right: str) -> bool:
    """Return whether a job's token may write there: a job that names no rights has those of its workflow."""
    return job.get("permissions", {}).get(right) == "write"


def test_no_job_has_both_an_identity_elsewhere_and_the_repository() -> None:
    """With both, whatever a build runs could change the code that the next build is trusted with."""
    identified = {name for name, job in jobs() if may(job, "id-token")}
    writing = {name for name, job in jobs() if may(job, "contents")}
    assert identified == {"app.push", "plan.plan", "release.sign"}
    assert writing == {"app.tag", "release.publish"}
    assert {name for name, job in jobs() if may(job, "pull-requests")} == {"plan.comment"}
    known = {"contents", "id-token", "packages", "pull-requests"}
    others = {key for _, job in jobs() for key in job.get("permissions", {})} - known
    assert not others


def test_whoever_uses_the_identity_of_aws_is_one_of_them() -> None:
    for name, job in jobs():
        assumes = any("aws-actions/" in step.get("uses", "") for step in job.get("steps", ()))
        assert assumes == (name in {"app.push", "plan.plan"}), name


def test_the_plan_of_a_pull_request_runs_none_of_its_code() -> None:
    """Whoever may open one could otherwise use the identity in AWS, though it may only read."""
    planned, commented = (load("plan.yaml")["jobs"][name] for name in ("plan", "comment"))
    first, second = [step for step in planned["steps"] if "actions/checkout" in step.get("uses", "")]
    assert first["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert second["with"]["path"] == "proposed"
    assert "head.repo.full_name == github.repository" in planned["if"]
    assert set(commented["permissions"]) == {"pull-requests"}
    assert [line.split()[0] for step in commented["steps"] for line in step.get("run", "").splitlines()] == ["gh"]


def test_who_may_write_to_the_repository_runs_no_build() -> None:
    """Neither actions of others nor code of ours or of packages: git, gh, and the shell."""
    for name, job in jobs():
        if not may(job, "contents"):
            continue
        actions = {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step}
        assert actions <= {"actions/checkout", "actions/download-artifact"}, name
        lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
        assert lines
        assert {line.split()[0] for line in lines} <= {"git", "gh", "sed"}, name
        assert not [line for line in lines if re.search(r"[;|&`]|\$\(", line)], name


def test_who_signs_builds_nothing() -> None:
    signer = dict(jobs())["release.sign"]
    actions = {step["uses"].partition("@")[0] for step in signer["steps"] if "uses" in step}
    # Without a checkout there is no code of ours to run.
    assert actions == {
        "actions/download-artifact",
        "actions/upload-artifact",
        "docker/login-action",
        "sigstore/cosign-installer",
    }
    assert not re.search(
        r"\b(make|pip|python|npm|go|docker)\b", "".join(step.get("run", "") for step in signer["steps"])
    )


def test_no_secret_but_the_jobs_own_token_is_used() -> None:
    """A stored key could be carried off; and a run of somebody's pull request has no token that writes."""
    for path in WORKFLOWS:
        assert set(re.findall(r"secrets\.(\w+)", path.read_text())) <= {"GITHUB_TOKEN"}
        # In YAML 1.1, `on` is a boolean.
        triggers = yaml.safe_load(path.read_text())[True]
        assert "pull_request_target" not in triggers
        assert "workflow_run" not in triggers


def test_what_others_write_is_in_no_script() -> None:
    """An expression in `run` is put into the script as it is: a branch's name could be a command."""
    for step in steps():
        assert "${{" not in step.get("run", ""), step


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
    [step] = [step for step in load("app.yaml")["jobs"]["tag"]["steps"] if step.get("name") == "the tag into Git"]
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


IMAGE = "registry.example.com/owner/missyou-operator"
DIGEST = f"sha256:{'ab' * 32}"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """What the runner gives to the scripts of a release."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is missing")
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "helm").symlink_to(helm.find())
    return {
        "HOME": str(tmp_path),
        "PATH": f"{folder}:{os.environ['PATH']}",
        "REGISTRY": "registry.example.com",
        "GITHUB_REPOSITORY_OWNER": "Owner",
        "GITHUB_REF_NAME": "v1.2.3",
    }


@pytest.fixture
def released(tree: Path, environ: dict[str, str]) -> Path:
    """What the job `manifests` hands on, of the digests that the job `images` has written down."""
    (tree / "build/digests").mkdir(parents=True)
    for name in ("operator", "backend"):
        (tree / f"build/{name}.cdx.json").write_text("{}")
    for name in ("missyou-operator", "missyou-app"):
        (tree / f"build/digests/{name}").write_text(f"registry.example.com/owner/{name}@{DIGEST}\n")
    run(script("release.yaml", "manifests", "manifests and chart for these images"), tree, environ)
    return tree / "build/release"


@pytest.mark.timeout(1200)
def test_a_release_names_its_own_images_by_digest(released: Path, environ: dict[str, str]) -> None:
    run("sha256sum --check --quiet SHA256SUMS", released, environ)
    manifests = [item for item in yaml.safe_load_all((released / "install.yaml").read_text()) if item]
    command = [str(helm.find()), "template", "missyou-operator", str(released / "missyou-operator-1.2.3.tgz")]
    command.append(f"--kube-version={binaries.KUBERNETES}")
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for objects in (manifests, [item for item in yaml.safe_load_all(done.stdout) if item]):
        [deployment] = [item for item in objects if item["kind"] == "Deployment"]
        assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == f"{IMAGE}@{DIGEST}"
    listed = {line.split()[1] for line in (released / "SHA256SUMS").read_text().splitlines()}
    assert listed == {path.name for path in released.iterdir()} - {"SHA256SUMS"}
    assert {"install.yaml", "tenancy.yaml", "images.txt", "missyou-operator-1.2.3.tgz"} <= listed
    assert {path.name for path in (ROOT / "crds").glob("*.missyou.app.yaml")} <= listed


def signed(released: Path, environ: dict[str, str]) -> tuple[int, list[str]]:
    """Run the script that signs, with a cosign that writes down what it is asked; return its exit code, and that."""
    home = released.parents[1]
    asked = home / "asked"
    cosign = Path(environ["HOME"]) / "bin/cosign"
    cosign.write_text(f'#!/bin/sh\necho "$@" >> {asked}\n')
    cosign.chmod(0o755)
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script("release.yaml", "sign", "signatures")]
    done = subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, asked.read_text().splitlines() if asked.exists() else []


@pytest.mark.timeout(1200)
def test_what_is_signed_is_what_was_built(released: Path, environ: dict[str, str]) -> None:
    assert signed(released, environ) == (
        0,
        [
            f"sign --yes registry.example.com/owner/missyou-app@{DIGEST}",
            f"sign --yes {IMAGE}@{DIGEST}",
            "sign-blob --yes --bundle build/SHA256SUMS.sigstore.json build/release/SHA256SUMS",
        ],
    )


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("attack", ["a file", "the image"])
def test_what_was_tampered_with_is_not_signed(released: Path, environ: dict[str, str], attack: str) -> None:
    if attack == "a file":
        with (released / "install.yaml").open("a") as file:
            file.write("---\nkind: ClusterRoleBinding\n")
    else:
        # Consistently, by whatever ran while the manifests were made.
        text = (released / "install.yaml").read_text().replace(DIGEST, f"sha256:{'ef' * 32}")
        (released / "install.yaml").write_text(text)
        run("rm SHA256SUMS && sha256sum -- * > SHA256SUMS", released, environ)
    code, asked = signed(released, environ)
    assert code != 0
    assert asked == []
