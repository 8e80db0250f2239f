"""Websites: what is set on a bucket, checked and answered again. `pages` serves them."""

from typing import Final

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.s3 import errors
from clary.services.s3.api import service
from clary.services.s3.bucket_errors import NoSuchWebsiteConfiguration
from clary.services.s3.settings import change, setting

_MOST: Final = 50
_CODES: Final = frozenset({"301", "302", "303", "304", "305", "307", "308"})


@service.operation("PutBucketWebsite", ignores=("ChecksumAlgorithm",))
async def put_bucket_website(ctx: Context, req: Doc) -> Doc:
    """The bucket is served as a website at its website hosts. Errors: InvalidArgument, InvalidRequest, MalformedXML."""
    asked = req["WebsiteConfiguration"]
    _check(asked)
    change(ctx, req, _website=asked)
    return {}


@service.operation("GetBucketWebsite")
async def get_bucket_website(ctx: Context, req: Doc) -> Doc:
    """Errors: NoSuchWebsiteConfiguration."""
    found: Doc = setting(ctx, req, "_website", NoSuchWebsiteConfiguration(req["Bucket"]))
    return found


@service.operation("DeleteBucketWebsite")
async def delete_bucket_website(ctx: Context, req: Doc) -> Doc:
    change(ctx, req, _website=None)
    return {}


def _check(asked: Doc) -> None:
    if "RedirectAllRequestsTo" in asked:
        if asked.keys() - {"RedirectAllRequestsTo"}:
            raise errors.InvalidArgument(
                "RedirectAllRequestsTo cannot be provided in conjunction with other Routing Rules.",
                "RedirectAllRequestsTo",
                "not null",
            )
        return
    if "IndexDocument" not in asked:
        raise errors.InvalidArgument(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty",
            "IndexDocument",
            "null",
        )
    suffix = asked["IndexDocument"]["Suffix"]
    if not suffix or "/" in suffix:
        raise errors.InvalidArgument("The IndexDocument Suffix is not well formed", "IndexDocument", suffix)
    if "ErrorDocument" in asked and not asked["ErrorDocument"]["Key"]:
        raise errors.InvalidArgument("The ErrorDocument Key is not well formed", "ErrorDocument", "")
    rules = asked.get("RoutingRules", [])
    if len(rules) > _MOST:
        raise errors.InvalidRequest(
            f"{len(rules)} routing rules provided, the number of routing rules in a website configuration is limited to"
            f" {_MOST}."
        )
    for rule in rules:
        _check_rule(rule)


def _check_rule(rule: Doc) -> None:
    redirect, condition = rule["Redirect"], rule.get("Condition")
    if condition is not None and not condition.keys() & {"HttpErrorCodeReturnedEquals", "KeyPrefixEquals"}:
        raise errors.InvalidRequest(
            "Condition cannot be empty. To redirect all requests without a condition, the condition element shouldn't"
            " be present."
        )
    if not redirect:
        raise errors.MalformedXML
    if redirect.keys() >= {"ReplaceKeyWith", "ReplaceKeyPrefixWith"}:
        raise errors.InvalidRequest(
            "You can only define ReplaceKeyPrefix or ReplaceKey but not both in Redirect of a routing rule."
        )
    code = redirect.get("HttpRedirectCode")
    if code is not None and code not in _CODES:
        raise errors.InvalidRequest(
            f"The provided HTTP redirect code ({code}) is not valid. Valid codes are 3XX except 300."
        )
    error = (condition or {}).get("HttpErrorCodeReturnedEquals")
    if error is not None and not (error.isdecimal() and 400 <= int(error) <= 599):
        raise errors.InvalidRequest(f"The provided HTTP error code ({error}) is not valid. Valid codes are 4XX or 5XX.")
