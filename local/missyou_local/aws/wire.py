"""AWS's wire formats: the operation and parameters of a request, and the encoding of results and errors.

The protocols that this stack's services speak (`ec2`, `query`, `json`, and by `rest` those of Route 53 and S3) are
decoded; a request in another one is still named, counted and passed on. The service models are botocore's, the
(de)serialisers moto's.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode
from xml.sax.saxutils import escape

import botocore.parsers
import botocore.serialize
import botocore.session
from werkzeug.datastructures import Headers, MultiDict

from missyou_local.aws import rest
from missyou_local.aws.errors import AwsError

BOTO3_NAMES = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "tagging": "resourcegroupstaggingapi",
    "servicequotas": "service-quotas",
}
"""Signing name in the credential scope -> boto3's name, where the two differ."""

_SCOPE = re.compile(r"Credential=([^/,]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_RPC_PATH = re.compile(r"/service/[^/]+/operation/(\w+)$")


@dataclass(frozen=True, slots=True)
class Request:
    """One AWS request as it came in; `operation` is AWS's name (`CreateVpc`), `<METHOD> <path>` for REST services."""

    service: str
    operation: str
    region: str
    access_key: str
    protocol: str
    body: bytes
    environ: dict[str, Any]

    @property
    def name(self) -> str:
        """Return the name that faults and counts use, like `ec2:CreateVpc`."""
        return f"{self.service}:{self.operation}"


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP answer: status code, headers, whole body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def identify(environ: dict[str, Any]) -> Request:
    """Read the request from a WSGI environment, whose input stays readable."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    access_key, region, signing_name = scope.groups() if scope else ("", "us-east-1", "unsigned")
    service = BOTO3_NAMES.get(signing_name, signing_name)
    path = environ.get("PATH_INFO", "/")
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        operation, protocol = target.rpartition(".")[2], "json"
    elif environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        operation = dict(parse_qsl(body.decode())).get("Action", "?")
        protocol = "ec2" if service == "ec2" else "query"
    elif rpc := _RPC_PATH.search(path):
        operation, protocol = rpc.group(1), "cbor"
    else:
        operation, protocol = rest.identify(service, environ)
    return Request(service, operation, region, access_key, protocol, body, environ)


def parameter_names(request: Request) -> list[str]:
    """Return the top-level parameter names of the request, sorted; never a value."""
    if request.protocol == "json":
        try:
            loaded = json.loads(request.body or b"{}")
        except ValueError:
            return []
        return sorted(loaded) if isinstance(loaded, dict) else []
    if request.protocol in ("ec2", "query"):
        keys = {key.partition(".")[0] for key, _ in parse_qsl(request.body.decode(), keep_blank_values=True)}
        return sorted(keys - {"Action", "Version"})
    return []


def decode_parameters(request: Request) -> dict[str, Any]:
    """Return the parameters as boto3's caller gave them."""
    if request.protocol == "json":
        loaded = json.loads(request.body or b"{}")
        return loaded if isinstance(loaded, dict) else {}
    model = _moto_model(request.service, request.operation)
    if request.protocol == "rest-xml":
        return rest.parameters(request.service, request.environ, request.body, model)
    from moto.core.parse import PROTOCOL_PARSERS  # noqa: PLC0415  (moto is heavy: only a server needs it)

    parser = PROTOCOL_PARSERS[request.protocol](model)
    values = MultiDict(parse_qsl(request.body.decode(), keep_blank_values=True))
    parsed: dict[str, Any] = parser.parse(
        {"body": "", "headers": Headers(), "method": "POST", "url_params": {}, "url_path": "/", "values": values}
    )
    return parsed


def rewritten(request: Request, operation: str, parameters: Mapping[str, Any]) -> Request:
    """Return the request for another operation of the same service, or with other parameters."""
    model = botocore_model(request.service)
    serializer = botocore.serialize.create_serializer(request.protocol, include_validation=False)
    raw = serializer.serialize_to_request(parameters, model.operation_model(operation))["body"]
    body = urlencode(raw).encode() if isinstance(raw, dict) else raw if isinstance(raw, bytes) else raw.encode()
    environ = {**request.environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    if target := request.environ.get("HTTP_X_AMZ_TARGET"):
        environ["HTTP_X_AMZ_TARGET"] = f"{target.rpartition('.')[0]}.{operation}"
    return replace(request, operation=operation, body=body, environ=environ)


def decode_result(request: Request, response: Response) -> dict[str, Any]:
    """Return the result as boto3 would. Raises AwsError when the response is an error."""
    shape = botocore_model(request.service).operation_model(request.operation).output_shape
    raw = {"status_code": response.status, "headers": dict(response.headers), "body": response.body}
    parsed: dict[str, Any] = botocore.parsers.create_parser(request.protocol).parse(raw, shape)
    parsed.pop("ResponseMetadata", None)
    if response.status >= 300:
        error = parsed.get("Error", {})
        raise AwsError(error.get("Code", "Unknown"), error.get("Message", ""), response.status)
    return parsed


def encode_result(request: Request, result: Mapping[str, Any]) -> Response:
    """Write a result as the operation's protocol has it."""
    from moto.core.serialize import get_serializer_class  # noqa: PLC0415

    serializer = get_serializer_class(request.service, request.protocol)(
        _moto_model(request.service, request.operation)
    )
    answer = serializer.serialize(dict(result))
    body = answer["body"]
    return Response(
        int(answer["status_code"]),
        [(str(key), str(value)) for key, value in answer["headers"].items()],
        body if isinstance(body, bytes) else str(body).encode(),
    )


def encode_error(request: Request, error: AwsError) -> Response:
    """Write an error as the request's protocol has it."""
    code, message = escape(error.code), escape(error.message)
    if request.protocol == "ec2":
        kind = "text/xml;charset=UTF-8"
        text = (
            f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
            "<RequestID>00000000-0000-0000-0000-000000000000</RequestID></Response>"
        )
    elif request.protocol == "query":
        kind = "text/xml"
        side = "Sender" if error.status < 500 else "Receiver"
        text = (
            f"<ErrorResponse><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>"
        )
    elif request.protocol.startswith("rest") and request.service in ("s3", "route53", "cloudfront"):
        kind = "application/xml"
        text = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    else:
        kind = request.environ.get("CONTENT_TYPE") or "application/x-amz-json-1.1"
        text = json.dumps({"__type": error.code, "message": error.message})
    return Response(error.status, [("Content-Type", kind), ("x-amzn-ErrorType", error.code)], text.encode())


_ERROR_CODE = re.compile(rb'<Code>([^<]+)</Code>|"__type":\s*"([^"]+)"')


def error_code(response: Response) -> str | None:
    """Return the AWS error code in a response, or None where there is none."""
    if response.status < 300:
        return None
    found = _ERROR_CODE.search(response.body)
    return (found.group(1) or found.group(2)).decode().rpartition("#")[2] if found else f"HTTP {response.status}"


@lru_cache
def botocore_model(service: str) -> Any:
    """Return botocore's ServiceModel of the service."""
    return botocore.session.get_session().get_service_model(service)


@lru_cache
def moto_model(service: str) -> Any:
    """Return moto's variant of the same."""
    from moto.core.utils import get_service_model  # noqa: PLC0415

    return get_service_model(service)


@lru_cache
def _moto_model(service: str, operation: str) -> Any:
    return moto_model(service).operation_model(operation)
