"""The diagnosis of failing tasks, for the texts that AWS is known to write."""

from __future__ import annotations

from typing import Any

import pytest

from missyou_operator.aws.ecs.diagnosis import diagnose

_PULL = "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref r/app:1: "
_INIT = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "

STOPPED = [
    (_PULL + "r/app:1: not found", "ImageNotFound", "Push the image"),
    (_PULL + "manifest unknown", "ImageNotFound", "Push the image"),
    (_PULL + "repository does not exist or may require 'docker login'", "ImageNotFound", "another account"),
    (_PULL + "403 Forbidden", "ImageNotFound", "another account"),
    (_PULL + "dial tcp 1.2.3.4:443: i/o timeout", "TasksFailing", "NAT gateways"),
    (_PULL + "context deadline exceeded", "TasksFailing", "NAT gateways"),
    (
        _PULL + "image Manifest does not contain descriptor matching platform 'linux/amd64'",
        "TasksFailing",
        "linux/amd64",
    ),
    (_PULL + "something new", "ImageNotFound", "spec.image"),
    (_INIT + "dial tcp: i/o timeout", "TasksFailing", "NAT gateways"),
    (
        _INIT + "AccessDeniedException: User: x is not authorized to perform: secretsmanager:GetSecretValue",
        "AccessDenied",
        "may not read a secret",
    ),
    (
        _INIT + "ResourceNotFoundException: Secrets Manager can't find the specified secret",
        "TasksFailing",
        "spec.secrets",
    ),
    (_INIT + "retrieved secret from Secrets Manager did not contain json key X", "TasksFailing", "Add that key"),
    (
        "ResourceInitializationError: failed to validate logger args: The specified log group does not exist.",
        "TasksFailing",
        "log group is missing",
    ),
    ("Task failed ELB health checks in (target-group arn:x)", "TasksFailing", "healthCheck.path"),
    ("Task failed container health checks", "TasksFailing", "HEALTHCHECK"),
    ("Timeout waiting for network interface provisioning to complete.", "TasksFailing", "out of addresses"),
    ("Capacity is unavailable at this time. Please try again later", "TasksFailing", "no capacity"),
]


@pytest.mark.parametrize(("text", "reason", "advice"), STOPPED)
def test_a_stopped_task_is_diagnosed(text: str, reason: str, advice: str) -> None:
    found = diagnose([{"stopCode": "TaskFailedToStart", "stoppedReason": text}], [])
    assert found is not None
    assert found.reason == reason
    assert advice in found.advice
    assert found.message == text.rstrip(".")


def exited(code: int, reason: str = "") -> dict[str, Any]:
    container = {"name": "app", "exitCode": code, **({"reason": reason} if reason else {})}
    return {
        "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [container],
    }


@pytest.mark.parametrize(
    ("code", "reason", "word", "advice"),
    [
        (0, "", "TasksFailing", "exited by itself"),
        (1, "", "TasksFailing", "app's log"),
        (127, "", "TasksFailing", "not found"),
        (137, "", "TasksFailing", "spec.service.memory"),
        (137, "OutOfMemoryError: Container killed due to memory usage", "OutOfMemory", "Raise spec.service.memory"),
        (139, "", "TasksFailing", "segmentation fault"),
    ],
)
def test_an_exit_code_is_explained(code: int, reason: str, word: str, advice: str) -> None:
    found = diagnose([exited(code, reason)], [])
    assert found is not None
    assert found.reason == word
    assert f"exited with code {code}" in found.message
    assert advice in found.advice


def test_tasks_stopped_in_the_normal_course_of_things_have_no_diagnosis() -> None:
    scaled = {
        "stopCode": "ServiceSchedulerInitiated",
        "stoppedReason": "Scaling activity initiated by (deployment ecs-svc/1)",
        "containers": [{"name": "app", "exitCode": 143}],
    }
    assert diagnose([scaled], ["(service s) has reached a steady state."]) is None


def test_the_newest_task_counts() -> None:
    old, new = {**exited(1), "stoppedAt": "2026-11-23 05:00"}, {**exited(139), "stoppedAt": "2026-11-23 06:00"}
    found = diagnose([old, new], [])
    assert found is not None
    assert "139" in found.message


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("(service s) is unable to consistently start tasks successfully.", "TasksFailing"),
        ("(service s) was unable to place a task. You've reached the limit on the number of vCPUs", "QuotaExceeded"),
        ("(service s) failed to launch a task with (error ECS was unable to assume the role 'x')", "AccessDenied"),
        ("(service s) (port 80) is unhealthy in (target-group t) due to (reason Request timed out)", "TasksFailing"),
    ],
)
def test_events_explain_what_tasks_do_not(event: str, reason: str) -> None:
    found = diagnose([], ["(service s) has started 1 tasks", event])
    assert found is not None
    assert found.reason == reason


def test_trouble_from_before_a_steady_state_is_over() -> None:
    events = ["(service s) has reached a steady state.", "(service s) is unable to consistently start tasks"]
    assert diagnose([], events) is None


def test_target_health_counts_last() -> None:
    targets = [
        {"Target": {"Id": "10.0.0.1"}, "TargetHealth": {"State": "initial", "Reason": "Elb.RegistrationInProgress"}},
        {
            "Target": {"Id": "10.0.0.2"},
            "TargetHealth": {
                "State": "unhealthy",
                "Reason": "Target.ResponseCodeMismatch",
                "Description": "Health checks failed with these codes: [502]",
            },
        },
    ]
    found = diagnose([], [], targets)
    assert found is not None
    assert found.text == (
        "target 10.0.0.2 is unhealthy: Health checks failed with these codes: [502]. "
        "The app must answer 200 on spec.service.healthCheck.path"
    )
    assert diagnose([], [], targets[:1]) is None


def test_what_a_runtime_quotes_from_an_image_steers_no_terminal() -> None:
    reason = "CannotStartContainerError: exec \x1b[31m\u202eapp\u202c\x9b2J: not found"
    found = diagnose([{"taskArn": "arn:x", "stoppedReason": reason, "containers": [{"reason": reason}]}], (), ())
    assert found is not None
    assert "exec app: not found" in found.text
    assert found.text.isprintable()


def test_secret_words_are_hidden_from_people_and_not_from_the_diagnosis() -> None:
    text = _INIT + "AccessDeniedException: User: x is not authorized to perform: secretsmanager:GetSecretValue"
    events = [f"(service s) failed to start: {text}."]
    for found in (
        diagnose([{"stoppedReason": text}], [], hide=lambda shown: shown.replace("secrets", "***")),
        diagnose([], events, hide=lambda shown: shown.replace("secrets", "***")),
    ):
        assert found is not None
        assert found.reason == "AccessDenied"
        assert "unable to pull *** or" in found.message
        assert "secrets" not in found.message
