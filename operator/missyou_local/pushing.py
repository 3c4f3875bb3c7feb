"""The one thing that a stack waits for a person to do: push an image. In an emulated AWS the demo does it."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import boto3
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from missyou_local import cluster
from missyou_local.environment import Surroundings
from missyou_local.say import Voice

_KIND = "application/vnd.docker.distribution.manifest.v2+json"


class Pusher:
    """Registers an image once, as soon as the app says that its tag is missing."""

    def __init__(self, api: client.ApiClient, place: Surroundings, name: str, voice: Voice) -> None:
        self._api, self._place, self._name, self._voice = api, place, name, voice
        self._said = ""
        # In a real AWS an image without layers would only fail to start: there, the status says how to push.
        self._done = not place.emulated

    def look(self) -> None:
        """Push if it is time to."""
        if self._done:
            return
        try:
            app = cluster.get_app(self._api, self._name)
        except (ApiException, HTTPError, OSError):
            return  # whoever watches the app tells of lost connections; the next look may succeed
        status = app.get("status", {})
        waits = any(
            c["type"] == "ServiceReady" and c["reason"] == "ImageNotFound" for c in status.get("conditions", [])
        )
        url = status.get("outputs", {}).get("ecrRepositoryURL")
        if not waits or not url:
            return
        self._done = True
        tag = app["spec"].get("image", {}).get("tag", "latest")
        # In a process of its own: boto3 takes all of its settings from the environment, and this one's are the user's.
        command = [sys.executable, "-m", "missyou_local.pushing", url, tag]
        pushed = subprocess.run(command, env=self._place.environ(), capture_output=True, text=True, check=False)
        if pushed.returncode:
            self._said = f"no image could be registered as {url}:{tag}: {pushed.stderr.strip().splitlines()[-1]}"
        else:
            self._said = f"ServiceReady said ImageNotFound: the demo registered {url}:{tag}, as docker push would do"
        if not sys.stdout.isatty():
            self.report()

    def report(self) -> None:
        """Say what has been done, once. On a terminal only when the live view has ended: it redraws in place."""
        if self._said:
            self._voice.note(self._said)
        self._said = ""


def put_image(url: str, tag: str) -> None:
    """Register an image without layers, which is what `docker push` does last. Errors: those of botocore."""
    match = re.fullmatch(r"[0-9]+\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+/(.+)", url)
    if match is None:
        raise ValueError(f"{url} is not the URL of a repository in ECR")
    settings = {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "size": 2,
        "digest": f"sha256:{'0' * 64}",
    }
    manifest = {"schemaVersion": 2, "mediaType": _KIND, "config": settings, "layers": []}
    boto3.client("ecr", region_name=match[1]).put_image(
        repositoryName=match[2], imageTag=tag, imageManifest=json.dumps(manifest)
    )


if __name__ == "__main__":
    put_image(*sys.argv[1:])
