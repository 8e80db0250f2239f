"""WebHDFS, as Hadoop's own client speaks it, below /webhdfs/v1/<bucket>/<key>.

What the protocol has and S3 has not is refused by name; owners, permissions and times of files can be set and mean
nothing, as in Hadoop's own file system for S3.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import orjson

from clary.aws.doors import Door, Porch
from clary.aws.errors import ServiceError
from clary.aws.http import Answer, ClientGone, Request
from clary.aws.sigv4 import Refused as Unproven
from clary.services.s3.api import bucket_named, service
from clary.services.s3.errors import NoSuchBucket
from clary.services.s3.hadoop import (
    mounts,
    places,
    reading,
    refused,
    removing,
    renaming,
    status,
    token,
    visit,
    writing,
)
from clary.services.s3.hadoop.refused import Refused
from clary.services.s3.hadoop.visit import Visit, said

LOG = logging.getLogger(__name__)
_ROOT: Final = places.ROOT.encode()
Handler = Callable[[Visit], Awaitable[Answer]]


async def _block_locations(at: Visit) -> Answer:
    return status.block_locations(at)


async def _nothing(at: Visit) -> Answer:
    return said(b"")


async def _home(at: Visit) -> Answer:
    return said(orjson.dumps({"Path": f"/user/{at.text('user.name', 'clary')}"}))


async def _trash(at: Visit) -> Answer:
    return said(orjson.dumps({"Path": f"/user/{at.text('user.name', 'clary')}/.Trash"}))


async def _defaults(at: Visit) -> Answer:
    found = {
        "blockSize": status.BLOCK,
        "bytesPerChecksum": 512,
        "checksumType": 0,
        "defaultStoragePolicyId": 0,
        "encryptDataTransfer": False,
        "fileBufferSize": 1 << 16,
        "keyProviderUri": "",
        "replication": 1,
        "trashInterval": 0,
        "writePacketSize": 1 << 16,
    }
    return said(orjson.dumps({"FsServerDefaults": found}))


_OPERATIONS: Final[Mapping[tuple[str, str], Handler]] = {
    ("GET", "OPEN"): reading.read,
    ("GET", "GETFILESTATUS"): status.get_file_status,
    ("GET", "LISTSTATUS"): status.list_status,
    ("GET", "LISTSTATUS_BATCH"): status.list_status_batch,
    ("GET", "GETCONTENTSUMMARY"): status.get_content_summary,
    ("GET", "GETFILEBLOCKLOCATIONS"): _block_locations,
    ("GET", "CHECKACCESS"): status.check_access,
    ("GET", "GETHOMEDIRECTORY"): _home,
    ("GET", "GETTRASHROOT"): _trash,
    ("GET", "GETSERVERDEFAULTS"): _defaults,
    ("PUT", "CREATE"): writing.create,
    ("PUT", "MKDIRS"): writing.make_directories,
    ("PUT", "RENAME"): renaming.rename,
    ("PUT", "SETPERMISSION"): _nothing,
    ("PUT", "SETOWNER"): _nothing,
    ("PUT", "SETTIMES"): _nothing,
    ("DELETE", "DELETE"): removing.delete,
}
_OF_NOTHING: Final = (_block_locations, _home, _trash, _defaults)
"""These may be asked without naming a bucket."""
_WHY: Final[Mapping[str, str]] = {
    "APPEND": "Objects of S3 cannot be appended to: write a new object.",
    "TRUNCATE": "Objects of S3 cannot be cut: write a new object.",
    "CONCAT": "Objects of S3 cannot be joined in place: write a new object.",
    "CREATESYMLINK": "S3 has no links.",
    "GETFILECHECKSUM": "The checksums of HDFS are not kept: compare ETags by S3's own API.",
    "GETDELEGATIONTOKEN": "Keys come from the job's role, not from the file system.",
}


def _wants(request: Request) -> bool:
    if not request.path.startswith(_ROOT) or request.path[len(_ROOT) : len(_ROOT) + 1] not in (b"", b"/"):
        return False
    # A bucket may be called webhdfs. Requests to it are signed, and have no `op`.
    return "op" in request.args and "AWS4-HMAC" not in request.headers.get("authorization", "")


async def _answer(porch: Porch) -> Answer:
    url = "s3://"
    try:
        place = places.of_path(porch.request.path[len(_ROOT) :])
        url = place.url
        principal = token.caller(porch)
        at = Visit(porch, principal, porch.context(principal, visit.REGION), place)
        return await _done(at, at.text("op").upper())
    except Refused as error:
        return refused.answer(error)
    except Unproven as error:
        return refused.answer(refused.unproven(error))
    except ClientGone:
        raise
    except ServiceError as error:
        return refused.answer(refused.of_service(error, url))
    except Exception:
        LOG.exception("the Hadoop door failed")
        return refused.answer(refused.failed(f"{url}: the server failed, and its log says why."))


async def _done(at: Visit, operation: str) -> Answer:
    if mounts.is_mounts(at.place):
        return _mounted(at, operation)
    handler = _OPERATIONS.get((at.request.method, operation))
    if handler is None:
        raise refused.unsupported(_WHY.get(operation, f"{at.request.method} {operation} is not served here."))
    if at.place.bucket:
        bucket_named(at.ctx, at.place.bucket)
    elif (
        handler in (status.get_file_status, status.list_status, status.list_status_batch) or at.request.method != "GET"
    ):
        raise NoSuchBucket("")
    return await handler(at)


def _mounted(at: Visit, operation: str) -> Answer:
    match operation:
        case "GETFILESTATUS":
            return mounts.get_file_status(at)
        case "LISTSTATUS":
            return mounts.list_status(at)
        case "OPEN":
            return mounts.read(at)
        case "GETFILEBLOCKLOCATIONS":
            return status.block_locations(at)
    raise refused.unsupported("The table of mounts can be read, and nothing else.")


service.door(Door("Hadoop", _wants, _answer))
