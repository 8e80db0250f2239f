"""The registry's own protocol below `/v2/` (OCI distribution), as Docker, Podman, Skopeo and their kin speak it.

It is a door of the service, not an operation: callers prove themselves by the password that GetAuthorizationToken gives
(user AWS). What they may is asked action by action, as of the operations. The registry is named by the host
(`<account>.dkr.ecr.<region>.amazonaws.com`), by the first part of the repository's name in the same form, or else it is
the home's own.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

import orjson

from clary.aws import hosts
from clary.aws.credentials import ANONYMOUS, BadSessionToken, KeyRing, Principal
from clary.aws.doors import Door, Porch
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, Request
from clary.aws.service import Context
from clary.services.ecr import pulls, pushes, tokens
from clary.services.ecr.api import NAME, Registry, host_of, service
from clary.services.ecr.visits import Refused, Visit

_HOST: Final = re.compile(r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_PLACE: Final = re.compile(
    r"/v2/(?P<name>.+)/(?:(?P<tags>tags/list)|manifests/(?P<manifest>[^/]+)|blobs/uploads/(?P<upload>[^/]*)"
    r"|blobs/(?P<blob>[^/]+)|referrers/(?P<referrers>[^/]+))"
)
_VERSION: Final = (b"docker-distribution-api-version", b"registry/2.0")
_CODES: Final[Mapping[str, tuple[int, str]]] = {
    "AccessDeniedException": (403, "DENIED"),
    "AccessDenied": (403, "DENIED"),
    "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
    "ImageNotFoundException": (404, "MANIFEST_UNKNOWN"),
    "ReferencedImagesNotFoundException": (404, "MANIFEST_UNKNOWN"),
    "LayersNotFoundException": (404, "MANIFEST_BLOB_UNKNOWN"),
    "UploadNotFoundException": (404, "BLOB_UPLOAD_UNKNOWN"),
    "InvalidLayerException": (400, "DIGEST_INVALID"),
    "InvalidLayerPartException": (416, "BLOB_UPLOAD_INVALID"),
    "ImageDigestDoesNotMatchException": (400, "DIGEST_INVALID"),
    "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
    "InvalidParameterException": (400, "MANIFEST_INVALID"),
    "RequestEntityTooLarge": (413, "SIZE_INVALID"),
}
"""Our errors, as the protocol calls them."""


def _wants(request: Request) -> bool:
    if not request.path.startswith(b"/v2"):
        return False
    if request.path not in (b"/v2", b"/v2/") and not request.path.startswith(b"/v2/"):
        return False
    # Other services have paths of that beginning too; theirs are signed.
    return "AWS4-HMAC" not in request.headers.get("authorization", "") and b"X-Amz-Signature=" not in request.query


async def _answer(porch: Porch) -> Answer:
    try:
        answer = await _visit(porch)
    except Refused as refused:
        answer = _refused(porch, refused)
    except ServiceError as error:
        status, code = _CODES.get(error.error_code, (error.http_status, "UNSUPPORTED"))
        answer = _refused(porch, Refused(status, code, error.message))
    answer.headers.append(_VERSION)
    return answer


async def _visit(porch: Porch) -> Answer:
    request = porch.request
    path = unquote_to_bytes(request.path).decode("utf-8", "replace")
    place = _PLACE.fullmatch(path)
    registry, name, prefix = _registry(porch, "" if place is None else place["name"])
    principal = _caller(porch, registry, request)
    ctx = porch.context(principal, registry.region)
    if place is None:
        if path in ("/v2", "/v2/"):
            return Answer(200, [(b"content-type", b"application/json")], b"{}")
        raise Refused(404, "UNSUPPORTED", f"The registry has nothing at {path}.")
    if registry.account != ctx.account:
        raise Refused(404, "NAME_UNKNOWN", f"The registry with id '{registry.account}' is not served here.")
    if not NAME.fullmatch(name) or len(name) > 256:
        raise Refused(400, "NAME_INVALID", f"{name!r} is no name of a repository.")
    visit = Visit(ctx, request, name, f"/v2/{prefix}{name}")
    if place["tags"]:
        return await pulls.tags(visit)
    if place["manifest"]:
        return await _manifest(visit, place["manifest"])
    if place["blob"]:
        return await _blob(visit, place["blob"])
    if place["referrers"]:
        return await pulls.referrers(visit, place["referrers"])
    return await _upload(visit, place["upload"])


async def _manifest(visit: Visit, reference: str) -> Answer:
    match visit.request.method:
        case "GET" | "HEAD":
            return await pulls.manifest(visit, reference)
        case "PUT":
            return await pushes.manifest(visit, reference)
        case "DELETE":
            return await pushes.delete_manifest(visit, reference)
    raise visit.method_not_allowed()


async def _blob(visit: Visit, digest: str) -> Answer:
    match visit.request.method:
        case "GET" | "HEAD":
            return await pulls.blob(visit, digest)
        case "DELETE":
            return await pushes.delete_blob(visit, digest)
    raise visit.method_not_allowed()


async def _upload(visit: Visit, upload_id: str) -> Answer:
    match visit.request.method, upload_id:
        case "POST", "":
            return await pushes.begin(visit)
        case "PATCH", _ if upload_id:
            return await pushes.append(visit, upload_id)
        case "PUT", _ if upload_id:
            return await pushes.complete(visit, upload_id)
        case (("GET" | "HEAD"), _) if upload_id:
            return await pushes.status(visit, upload_id)
        case "DELETE", _ if upload_id:
            return await pushes.cancel(visit, upload_id)
    raise visit.method_not_allowed()


def _registry(porch: Porch, name: str) -> tuple[Registry, str, str]:
    """(the registry that is meant, the repository's name in it, what stood before that name)."""
    by_host = _HOST.fullmatch(hosts.without_port(porch.request.headers.get("host", "")))
    if by_host is not None:
        return Registry(by_host["account"], by_host["region"]), name, ""
    first, _, rest = name.partition("/")
    by_name = _HOST.fullmatch(first)
    if by_name is not None:
        return Registry(by_name["account"], by_name["region"]), rest, f"{first}/"
    return porch.context(ANONYMOUS, "").port(Registry), name, ""


def _caller(porch: Porch, registry: Registry, request: Request) -> Principal:
    """Raises Refused for whoever does not prove who they are."""
    nobody = porch.context(ANONYMOUS, registry.region)
    found = tokens.caller(nobody.port(KeyRing), request.headers.get("authorization", ""), porch.clock.now())
    if found is not None:
        return found
    if "warrant" in request.args and _warranted(nobody, request, porch.clock.now()):
        return ANONYMOUS
    host = request.headers.get("host", host_of(registry.account, registry.region))
    login = f"aws ecr get-login-password | docker login --username {tokens.USER} --password-stdin {host}"
    raise Refused(401, "UNAUTHORIZED", f"Log in first: {login}")


def _warranted(ctx: Context, request: Request, now: float) -> bool:
    """The request reads the layer that its warrant was made for (GetDownloadUrlForLayer)."""
    try:
        claims = ctx.port(KeyRing).claims(request.args["warrant"][0])
    except BadSessionToken:
        return False
    path = unquote(request.path.decode("latin-1"))
    fits = request.method in ("GET", "HEAD") and path.endswith(f"/blobs/{claims.get('layer')}")
    return fits and float(claims.get("until", 0)) > now


def _refused(porch: Porch, refused: Refused) -> Answer:
    body = orjson.dumps({"errors": [{"code": refused.code, "message": refused.message}]})
    answer = Answer(refused.status, [(b"content-type", b"application/json")], body, refused.code)
    if refused.status == 401:
        host = porch.request.headers.get("host", "registry")
        realm = f'Basic realm="{porch.request.scheme}://{host}/",service="ecr.amazonaws.com"'
        answer.headers.append((b"www-authenticate", realm.encode()))
    return answer


service.door(Door("Registry", _wants, _answer))
