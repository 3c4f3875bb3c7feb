"""AWS's limits on what a spec decides, each with its source. The rules of this package are made from them.

`tests/stack/test_aws_names.py` builds stacks from specs at these limits, and compares each name, tag and description
with AWS's rule for it: botocore's model where that states it, AWS's pages elsewhere.
"""

from __future__ import annotations

import re

#: The stack's name begins these names: `<stack>-alb`, `<stack>-alb-logs-…`. Sources: ELB API reference,
#: CreateLoadBalancer; EC2 API reference, CreateSecurityGroup; S3 user guide, "General purpose bucket naming rules".
RESERVED_PREFIXES = ("internal-", "sg-", "sthree-", "amzn-s3-demo-")
#: A repository has the stack's name. Source: ECR API reference, CreateRepository.
STACK_NAME_MIN = 2
#: With the longest suffix (`-alb-logs-<account>-<region>`), a bucket's name has 63 characters.
STACK_NAME_MAX = 24
#: No region has more than 15 (`us-isof-south-1`); a bucket's name has room for 16.
REGION_MAX = 16
#: The TXT record beside the domain's alias names `<namespace>/<name>` and the cluster in one string of 255 characters;
#: a namespace may have 63. Source: Route 53 developer guide, "TXT record type". (A tag's value has room for 192.)
APP_NAME_MAX = 114

#: Sources: "Tag naming limits and requirements" in the guide to tagging; RDS API reference, Tag, for `rds:`; guide to
#: application load balancers, "Tags", for spaces at the ends, which it asks not to use.
TAG_KEY_MAX, TAG_VALUE_MAX = 128, 256
RESERVED_TAG_PREFIXES = ("aws:", "rds:")

#: Image references. Source: ECS API reference, ContainerDefinition, image.
IMAGE_MAX = 255
#: What ECS sets in each task. Source: ECS developer guide, "Amazon ECS environment variables". AWS_REGION and
#: AWS_DEFAULT_REGION are free: an app may have a reason to work in another region.
ECS_VARIABLES = (
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_EXECUTION_ENV",
    "ECS_AGENT_URI",
    "ECS_CONTAINER_METADATA_URI",
    "ECS_CONTAINER_METADATA_URI_V4",
)
#: ECS takes 100 (github.com/aws/aws-cdk, issue 38225), and the stack sets PORT, DEBUG and DATABASE_SECRET.
VARIABLES_MAX = 97
#: A task definition has 64 KiB (ECS developer guide, "Service quotas"). 16 KiB are left to all but `service.env`.
#: How AWS counts is not documented: this is the JSON of the request, with all but ASCII escaped, the longest form.
TASK_DEFINITION_MAX = 65_536
VARIABLES_SIZE_MAX = TASK_DEFINITION_MAX - 16_384
#: The size of `{"name": "", "value": ""}, ` around a variable.
VARIABLE_FRAME = 27
#: What JSON escapes, as classes that Python and RE2 understand alike, and by how much each character grows. None has a
#: character beyond U+FFFD: in a server-side apply, YAML parsers refuse surrogate pairs in JSON, and what is none.
ESCAPES = ((r'["\\\n\r\t]', 1), (r"[^ -~\n\r\t]", 5), ("[^\\x00-\ufffd]", 6))


def json_size(text: str) -> int:
    """Return the characters that a string takes in JSON, without its quotes; some control characters count more."""
    return len(text) + sum(len(re.findall(pattern, text)) * growth for pattern, growth in ESCAPES)
