"""Emptying of buckets: objects, their versions, delete markers, and unfinished uploads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from missyou_operator.aws.cloud import Client

#: The most keys that DeleteObjects accepts and that one list shows.
_PAGE = 1000
#: The most pages to delete in one call, so that other resources get their turn.
_PAGES = 5
#: The object by which Elastic Load Balancing tests its write access: ALB guide, "Enable access logs".
_TEST_FILE = "/ELBAccessLogTestFile"


def holds_logs(s3: Client, bucket: str) -> bool:
    """Return whether a bucket contains anything but the load balancer's test file."""
    page = s3.list_object_versions(Bucket=bucket, MaxKeys=10)
    logs = any(not row["Key"].endswith(_TEST_FILE) for row in page.get("Versions") or ())
    return logs or bool(page.get("IsTruncated"))


def empty(s3: Client, bucket: str) -> bool:
    """Delete some pages of a bucket's content. Return whether it is empty."""
    for _ in range(_PAGES):
        page = s3.list_object_versions(Bucket=bucket, MaxKeys=_PAGE)
        rows = [*(page.get("Versions") or ()), *(page.get("DeleteMarkers") or ())]
        if not rows:
            _abort_uploads(s3, bucket)
            return True
        _delete(s3, bucket, rows)
    return False


def _delete(s3: Client, bucket: str, rows: Sequence[dict[str, Any]]) -> None:
    keys = [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows]
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
    for refusal in answer.get("Errors") or ():
        # Refusals are part of an answer that is itself a success.
        error = {"Code": refusal.get("Code", ""), "Message": f"{refusal.get('Message', '')}: {refusal.get('Key')}"}
        raise ClientError({"Error": error}, "DeleteObjects")


def _abort_uploads(s3: Client, bucket: str) -> None:
    for row in s3.list_multipart_uploads(Bucket=bucket).get("Uploads") or ():
        s3.abort_multipart_upload(Bucket=bucket, Key=row["Key"], UploadId=row["UploadId"])
