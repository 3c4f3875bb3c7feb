"""Emptying a bucket: objects, their versions, delete markers, and uploads that never ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Client

#: DeleteObjects takes so many keys, and one list shows so many.
_PAGE = 1000
#: Pages that are deleted before others get their turn.
_PAGES = 5
#: What Elastic Load Balancing writes to see whether it may: ALB guide, "Enable access logs".
_TEST_FILE = "/ELBAccessLogTestFile"


def holds_logs(s3: Client, bucket: str) -> bool:
    """Return whether there is anything in it but the load balancer's test file."""
    found = s3.list_object_versions(Bucket=bucket, MaxKeys=10)
    seen = any(not row["Key"].endswith(_TEST_FILE) for row in found.get("Versions") or ())
    return seen or bool(found.get("IsTruncated"))


def empty(s3: Client, bucket: str) -> bool:
    """Delete some pages of what is in it; tell whether nothing is left."""
    for _ in range(_PAGES):
        found = s3.list_object_versions(Bucket=bucket, MaxKeys=_PAGE)
        rows = [*(found.get("Versions") or ()), *(found.get("DeleteMarkers") or ())]
        if not rows:
            _abort_uploads(s3, bucket)
            return True
        _delete(s3, bucket, rows)
    return False


def _delete(s3: Client, bucket: str, rows: Sequence[dict[str, Any]]) -> None:
    keys = [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    for refusal in answer.get("Errors") or ():
        # Refusals come in an answer that is itself a success.
        error = {"Code": refusal.get("Code", ""), "Message": f"{refusal.get('Message', '')}: {refusal.get('Key')}"}
        raise ClientError({"Error": error}, "DeleteObjects")


def _abort_uploads(s3: Client, bucket: str) -> None:
    for row in s3.list_multipart_uploads(Bucket=bucket).get("Uploads") or ():
        s3.abort_multipart_upload(Bucket=bucket, Key=row["Key"], UploadId=row["UploadId"])
