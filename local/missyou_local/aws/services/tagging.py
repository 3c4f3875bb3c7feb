"""The Resource Groups Tagging API: what bears a tag, in pages of its own size.

Source: Resource Groups Tagging API reference, GetResources: 50 resources in a page unless the caller wants up to 100;
`PaginationToken` is empty after the last page. How far it lags behind is up to the `lag` of this service.
"""

from __future__ import annotations

from missyou_local.aws.call import Call, Result, handles


@handles("resourcegroupstaggingapi:GetResources")
def get_resources(call: Call) -> Result:
    """List them all: `pagination` cuts the pages. moto would end each after a hundred tags."""
    found = call.moto("resourcegroupstaggingapi")._get_resources_generator(
        call.params.get("TagFilters"), call.params.get("ResourceTypeFilters"), call.params.get("ResourceARNList")
    )
    rows = [
        {"ResourceARN": each.arn, "Tags": [{"Key": key, "Value": value} for key, value in each.tags.items()]}
        for each in found
    ]
    return {"ResourceTagMappingList": rows, "PaginationToken": ""}
