"""The catalogue of reasons: what each means, and what to do. docs/troubleshooting.md is generated from it.

A message says the same about one case, with names and commands. A test finds every reason that the code can give.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Who ends it."""

    YOU = "You have to act"
    WARNING = "It works, and you should know"
    AWS = "It ends by itself, unless it lasts"
    NORMAL = "Nothing is wrong"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One row: who ends it, what it means, and what to do."""

    who: Who
    meaning: str
    remedy: str


_NOTHING = "Nothing: it takes as long as AWS takes"
_YOU: dict[str, tuple[str, str]] = {
    "AccessDenied": (
        "AWS denies the action that the message names to the identity that it names",
        "Allow it where the message says: `missyou iam-policy` prints all that the operator needs",
    ),
    "AccountNotReady": (
        "The account, or the region in it, is not enabled, is being verified, or was restricted by AWS",
        "Enable what the message names. A verification ends by itself; for a restriction, ask AWS Support",
    ),
    "ApprovalRequired": (
        "A change destroys data or exceeds `spec.budget`, `changePolicy` is `Approve`, or a deletion loses data",
        "Read the message and `status.plan`. Then approve or confirm it with the command, or take the change back",
    ),
    "BoundaryNotFound": (
        "The operator's setting `--permissions-boundary` names a policy that the stack's account does not have",
        "Create it there, from what `missyou iam-policy --boundary` prints, or correct the setting",
    ),
    "CertificateFailed": (
        "ACM did not issue the certificate; the message has ACM's reason",
        "Correct what the message names, then delete the certificate with its command: another is requested",
    ),
    "ChangeIgnored": (
        "AWS accepts a change and shows the old state; as an Event: an entry of `ignoreDifferences` leaves it",
        "Look in CloudTrail for who puts it back, or take the change back. After the Event: remove the entry",
    ),
    "ClockSkewed": (
        "AWS refuses signatures, because the clock of the operator's node is wrong",
        "Set the node's clock by NTP. The operator goes on by itself",
    ),
    "CreationFailed": (
        "AWS created the resource, and it failed",
        "Delete it, as the message says: the operator makes another",
    ),
    "DataLost": (
        "A database, a repository with images, or the access logs were deleted outside. Nothing is made in their place",
        "Choose: restore it with the first command in the message, or approve a new one without the data",
    ),
    "DeletionProtected": (
        "AWS refuses to delete a resource that is protected",
        "Switch its deletion protection off, in the spec where it has a field, else in AWS",
    ),
    "Drifted": (
        "A resource was changed or deleted outside, and `spec.driftPolicy` is `Report`",
        "Undo it in AWS, take it over into the spec, or set `driftPolicy: Correct`",
    ),
    "FinalSnapshotImpossible": (
        "The database is in a state in which AWS takes no last snapshot, so that it is not deleted",
        "Bring it into the state `available`, or set `spec.database.finalSnapshot: false`: its data is then lost",
    ),
    "ForbiddenByOrganization": (
        "A policy of the AWS organization forbids it: a tag policy, for example",
        "Correct `spec.tags` for a tag policy; else ask the organization's administrators",
    ),
    "ImageNotFound": (
        "The image is not in the repository. With `ServiceReady=True`, tasks run it still, and none can start",
        "Push it with the commands in the message, or correct `spec.image`. The service goes on by itself",
    ),
    "InvalidCredentials": (
        "AWS does not accept the operator's credentials, or those of the role in `spec.credentials`",
        "Do what the message says of them: renew, replace, enable the region, or set the node's clock",
    ),
    "InvalidSecret": (
        "The secret `db_credentials` does not hold the JSON that the operator wrote into it",
        "Move the label AWSCURRENT back to a version that does",
    ),
    "InvalidSpec": (
        "A field of the spec has a value that cannot work. Nothing was changed",
        "Correct the field that the message names",
    ),
    "KeyNotUsable": (
        "A KMS key is disabled, is being deleted, or its policy does not let AWS use it",
        "Enable the key, or extend its policy",
    ),
    "NatGatewayFailed": (
        "AWS could not create a NAT gateway; the message has AWS's reason",
        "Remove the cause (free an Elastic IP address, raise a quota). Another one is created by itself",
    ),
    "NoCredentials": (
        "The operator has no AWS credentials",
        "Give its ServiceAccount a role (IRSA or EKS Pod Identity), or its Deployment an access key",
    ),
    "NotGranted": (
        "The spec names something in AWS that no MissYouTenant grants to the app's namespace. Nothing is changed",
        "Take it out of the spec, or ask whoever administers the MissYouTenant in the message to grant it",
    ),
    "NotDelivered": (
        "AWS cannot write the VPC's flow logs; the message has AWS's reason",
        "`Access error`: remove what keeps the role from writing, such as a boundary or a policy of the organization",
    ),
    "NotAccepted": ("A VPC endpoint waits for the owner of its service", "Let the owner accept it"),
    "OutOfMemory": (
        "A task was killed, because it used more than `spec.service.memory`",
        "Raise `spec.service.memory`, or find why the app needs more",
    ),
    "OwnerChanged": (
        "The tags of an alarm or a dashboard are not those that were read some minutes ago",
        "Nothing: it is read again. If it has become somebody else's, `OwnedElsewhere` says so",
    ),
    "PlaceChanged": (
        "The spec or the operator means another account or region than the stack's. Nothing is created or changed",
        "Take the change back as the message says. To move, create another MissYouApp there and delete this one",
    ),
    "PreflightFailed": (
        "AWS would refuse something of a new stack: a quota, a name, a permission, a class. Nothing was created",
        "Do what the message says of each problem. The operator looks again by itself, or at once with the command",
    ),
    "KubernetesUnreachable": (
        "The operator could not record in an annotation where the stack lives; nothing is created before that",
        "Nothing, if the API server comes back: it is retried. If a policy refuses it, allow what the message names",
    ),
    "OwnedElsewhere": (
        "Something that is not this app's has the name (or the place) that the app needs. It is never touched",
        "Do what the message says: delete or rename it, remove the record, or take over what a namesake has left",
    ),
    "QuotaExceeded": (
        "A quota of the account is used up",
        "Raise the quota that the message names (Service Quotas), or delete what is no longer used",
    ),
    "Rejected": (
        "AWS refuses a request as invalid",
        "Correct the field, if the message names one. If it names none and the account does not explain it, report it",
    ),
    "RolloutFailed": (
        "The new version did not start, or failed its health checks. ECS went back to the version before, which serves",
        "Remove the cause in the message, then change the spec, push another tag, or use the command in the message",
    ),
    "SecretForbidden": (
        "The operator may not read that Secret: a namespace opts in with each Secret by its name",
        "Let it read this one with the two commands in the message",
    ),
    "SecretInvalid": (
        "The Secret is not `Opaque`, or its value empty, binary or too long (`SecretsReady=True`: the old one is used)",
        "Set another value, or name another Secret, with the command in the message",
    ),
    "SecretNotFound": (
        "There is no such Kubernetes Secret or key in it (`SecretsReady=True`: the value from before stays in use)",
        "Create it, or the key in it, with the command in the message; or remove the reference from the spec",
    ),
    "SnapshotFailed": ("AWS could not take the snapshot", "Delete it, and request another under another value"),
    "SnapshotNotFound": (
        "There is no snapshot as `spec.database.restoreFromSnapshot` names it, or no backups for `restoreToTime`",
        "Correct the field, or copy or share the snapshot into the account and region of the stack",
    ),
    "SnapshotUnsuitable": (
        "The database cannot be restored from that snapshot, or to that time, with the rest of `spec.database`",
        "Correct the fields that the message names",
    ),
    "Suspended": (
        "`spec.suspend` is true: nothing is observed or changed, not even a deletion",
        '`kubectl patch missyouapp NAME --type merge -p \'{"spec":{"suspend":false}}\'`',
    ),
    "TasksFailing": (
        "Tasks stop, or do not become healthy. The message has AWS's text, advice, and the end of the task's log",
        "Follow the advice; the whole log is in the log group `status.outputs.logGroup`",
    ),
    "TopicNotFound": (
        "There is no SNS topic as `spec.monitoring.notifications.topicARN` names it",
        "Create it, or correct the field",
    ),
    "TopicUnusable": ("Alarms cannot publish to the SNS topic", "Extend the policy of the topic, or of its key"),
    "Failed": ("RDS cannot recover the database", "Restore its latest snapshot; the message names the commands"),
    "Inaccessible…": ("The database cannot use its KMS key", "Enable the key, then do what the message says"),
    "Incompatible…": ("The database cannot use its network, parameters or backup", "Do what the message says of it"),
    "RestoreError": ("The database could not be restored from its backup", "Restore an earlier one"),
    "Stopped": ("Somebody stopped the database", "Start it with the command in the message"),
    "StorageFull": ("The database has no storage left", "Raise `spec.database.storageGiB` and `maxStorageGiB`"),
    "Unsupported": (
        "AWS does not offer it in this region, zone or account",
        "Choose another value for the field that the message names, or another region for a new app",
    ),
    "ValidationRecordMissing": (
        "The record by which ACM validates the certificate is not in DNS, and its zone is not managed here",
        "Create the record that the message names",
    ),
    "ZoneNotFound": (
        "There is no public hosted zone for `spec.domain.name` in the account",
        "Create it, set `spec.domain.hostedZoneID`, or `spec.domain.credentials` for another account",
    ),
}
_WARNING: dict[str, tuple[str, str]] = {
    "ImageMoved": (
        "Another image was pushed under the tag, and `spec.image.update: Never` keeps the one that runs",
        "Tag the one that runs with the command in the message, or set another `spec.image.tag`",
    ),
    "ImageNotKept": (
        "`spec.image.tag` is a digest, and its image has no tag: `registry.keepImages` is going to expire it",
        "Tag it with the command in the message",
    ),
    "NewerMajor": (
        "AWS has upgraded the database by force to a newer major of PostgreSQL than `spec.database.engineVersion`",
        "Set the field to the major that runs. All else goes on; the database is not replaced for that",
    ),
    "RestartPending": (
        "The database runs, and uses some of its parameters only after a restart",
        "Restart it with the command in the message, at a time that suits: it is away for a minute or less",
    ),
    "StandbyMissing": (
        "The database serves, and its standby is gone: RDS shows no second zone for it",
        "RDS builds another by itself. Where it does not, the message has the commands that have it built anew",
    ),
    "SupportEnding": (
        "RDS's standard support for the database's major of PostgreSQL ends within half a year, or has ended",
        "Set a newer `spec.database.engineVersion`, after a trial on a restored snapshot (docs/backups.md)",
    ),
}
_AWS: dict[str, tuple[str, str]] = {
    "AWSError": ("AWS failed, and says that it is its fault", "See the AWS Health Dashboard if it lasts"),
    "AWSUnreachable": (
        "AWS does not answer",
        "Check the cluster's network, DNS, proxy and firewall if it lasts",
    ),
    "AlreadyExists": (
        "Something of that name exists, created a moment ago or by somebody else",
        "Delete or rename what is there if it lasts",
    ),
    "IncompleteAnswer": (
        "An answer of AWS lacks something without which nothing can be done",
        "The call is made again. See the AWS Health Dashboard if it lasts",
    ),
    "InUse": (
        "Something else uses the resource, so that it cannot be deleted yet",
        "Remove what `status.blockers` names",
    ),
    "InsufficientCapacity": (
        "AWS has not enough of it at the moment",
        "Choose another class or size if it lasts",
    ),
    "InternalError": ("The operator has a bug", "See its log (`kubectl logs`), and report it"),
    "RateLimited": (
        "More calls are due than AWS allows in a second, and this one waits for its turn: many stacks are made at once",
        "Nothing, unless it lasts: `missyou_aws_rate_wait_seconds` shows which of AWS's limits holds things up",
    ),
    "Throttled": (
        "The account makes more calls than AWS allows. The operator backs off",
        "Find out who makes them, if it lasts: `missyou_aws_requests_total` counts the operator's",
    ),
    "WaitingForAWS": (
        "AWS does not show something yet, or is busy with it",
        "If it lasts for many minutes, look at the resource in AWS: somebody else may have deleted it",
    ),
}
_NORMAL: dict[str, tuple[str, str]] = {
    "Applying": ("Changes are to be made, or are being made", _NOTHING),
    "Available": ("It works", "Nothing"),
    "Creating": ("It is being created, or waits for something of the same component", _NOTHING),
    "Deleting": ("It is being deleted. `status.blockers` names what holds a deletion up", _NOTHING),
    "Draining": ("A service that was deleted before still stops its tasks", _NOTHING),
    "Emptying": ("A bucket is being emptied before its deletion", _NOTHING),
    "Interrupted": ("The operator stops; the one after it goes on", "Nothing"),
    "Maintenance": ("AWS maintains the database", _NOTHING),
    "Modifying": ("The database is being changed", _NOTHING),
    "NotFound": ("What is only looked up is not there yet", _NOTHING),
    "Planning": ("Something changed meanwhile: a new plan is made", "Nothing"),
    "Progressing": ("Changes are being made", _NOTHING),
    "Propagating": ("Other services of AWS do not know the new resource yet", _NOTHING),
    "Provisioning": ("AWS sets the load balancer up", _NOTHING),
    "Rebooting": ("The database restarts", _NOTHING),
    "Renaming": ("The database is being renamed", _NOTHING),
    "Replacing": ("It is being deleted, to be created anew", _NOTHING),
    "ResettingMasterCredentials": ("The database gets another password", _NOTHING),
    "RollingOut": ("A new version is rolled out beside the old one", _NOTHING),
    "SettingPassword": ("A restored database gets the password of `db_credentials`", _NOTHING),
    "Settling": ("AWS may not show yet what was created a moment ago, so nothing is created beside it", _NOTHING),
    "SnapshotCreating": ("The snapshot to restore from is not complete yet", _NOTHING),
    "Starting": ("Tasks, or the database, start", _NOTHING),
    "Stopping": ("The database is being stopped", _NOTHING),
    "StorageOptimization": ("AWS optimises the storage after a change, for 6 to 24 hours", _NOTHING),
    "Synced": ("AWS is as the spec says", "Nothing"),
    "Upgrading": ("The database is being upgraded to another version", _NOTHING),
    "Validating": ("ACM looks for the record by which it validates the certificate", _NOTHING),
    "WaitingFor…": ("It waits for the component in its name; that one's condition has the cause", "See that condition"),
}
#: Every reason and what it means. One that ends in … stands for all that begin so.
CATALOGUE: dict[str, Explanation] = {
    reason: Explanation(who, meaning, remedy)
    for who, rows in ((Who.YOU, _YOU), (Who.WARNING, _WARNING), (Who.AWS, _AWS), (Who.NORMAL, _NORMAL))
    for reason, (meaning, remedy) in rows.items()
}


def explanation(reason: str) -> Explanation | None:
    """Return the row of a reason."""
    prefixes = (row for name, row in CATALOGUE.items() if name.endswith("…") and reason.startswith(name[:-1]))
    return CATALOGUE.get(reason) or next(prefixes, None)
