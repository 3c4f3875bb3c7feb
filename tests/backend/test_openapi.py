"""The OpenAPI document: valid, and true of the implementation."""

from __future__ import annotations

import json

import schemathesis
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from missyou_backend.handlers import ROUTES
from missyou_backend.openapi import document


def test_the_document_is_valid() -> None:
    OpenAPIV31SpecValidator(json.loads(json.dumps(document()))).validate()


def test_it_is_served(client) -> None:
    answer = client.get("/openapi.json")
    assert (answer.status_code, answer.get_json()) == (200, json.loads(json.dumps(document())))
    assert client.get("/").get_json() == {"name": "Miss You", "openapi": "/openapi.json"}


def test_every_route_of_the_application_is_in_it(client) -> None:
    rules = {
        (method, rule.rule.replace("<id:", "{").replace(">", "}"))
        for rule in client.application.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert rules - {("GET", "/openapi.json")} == {(route.method.upper(), route.path) for route in ROUTES}


def test_it_is_true_of_the_implementation(client, two) -> None:
    """All phases and checks of schemathesis, with the same examples each time."""
    ann, bob = two
    for _ in range(6):
        bob.send(ann, message="m")
    config = SchemathesisConfig.from_dict(
        {
            "seed": 20,
            "generation": {"max-examples": 40},
            "warnings": False,
            # It fails over WSGI (schemathesis 4.32). test_attacks.py tries every route with none and with wrong tokens.
            "checks": {"ignored_auth": {"enabled": False}},
            "headers": {"Authorization": f"Bearer {ann.token}"},
        }
    )
    schema = schemathesis.openapi.from_wsgi("/openapi.json", client.application, config=config)
    # They would end the token that everything else needs.
    schema = schema.exclude(operation_id=["eraseUser", "revokeToken"])
    tried, wrong = 0, []
    for event in from_schema(schema).execute():
        if isinstance(event, NonFatalError | FatalError):
            wrong.append(str(event))
        if isinstance(event, ScenarioFinished):
            for case_id, results in event.recorder.checks.items():
                tried += 1
                case = event.recorder.cases[case_id].value
                answer = event.recorder.interactions[case_id].response
                if answer and b"/problems/idempotency-key-reused" in answer.content:
                    continue  # A schema cannot say that a key is unique.
                wrong += [
                    f"{case.method} {case.formatted_path} {case.query} {case.headers} {case.body!r}: "
                    f"{result.failure_info.failure}"
                    for result in results
                    if result.status is Status.FAILURE
                ]
    assert not wrong, f"{len(wrong)} of {tried}\n" + "\n\n".join(wrong[:10])
    assert tried > 500
