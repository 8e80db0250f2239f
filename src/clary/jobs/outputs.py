"""From files of an ended run to S3: one archive, or one object a file.

Nobody writes to the run's directory any more, but its owner may have left anything there: links that point anywhere on
this machine, directories closed to us, names that are no text. So no link is followed but to where it leads inside the
run, what is closed is opened, and what cannot be stored is named.
"""

import asyncio
import errno
import gzip
import os
import stat
import tarfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from clary.aws.errors import ServiceError
from clary.aws.service import Context
from clary.jobs.locations import Location
from clary.kernel import ids

ROOT = PurePosixPath("/opt/ml")
CHUNK = 1024 * 1024
PART_BYTES = 1024 * CHUNK
COMPRESSION = 4
MOST_LINKS = 16
FREELY = 1 << 30
GROWTH = 100
"""Files with holes may come to FREELY bytes, and beyond that to GROWTH times what the disk holds of them: stored, each
hole is bytes."""


class OutputError(Exception):
    """An output that cannot be stored as it is; the message is for the job's owner."""


def resolve(root: Path, path: str) -> Path | None:
    """The place on this machine of what the run saw at `path`, all links resolved as the run saw them; None when it is
    not there, or leads out of /opt/ml. `root` is what the run saw as /opt/ml."""
    parts = _below(PurePosixPath(path))
    links = 0
    place: list[str] = []
    while parts is not None:
        if not parts:
            return root.joinpath(*place)
        step = parts.pop(0)
        if step == "..":
            if not place:
                return None
            place.pop()
            continue
        here = _opened(root.joinpath(*place)) / step
        if here.is_symlink():
            links += 1
            if links > MOST_LINKS:
                return None
            leads = PurePosixPath(*ROOT.parts, *place) / here.readlink()
            ahead = _below(leads)
            if ahead is None:
                return None
            parts, place = ahead + parts, []
        elif not here.exists():
            return None
        else:
            place.append(step)
    return None


def text(root: Path, path: str, most: int) -> str:
    """The first `most` bytes of a text file of the run, stripped; "" when it is not there."""
    found = resolve(root, path)
    if found is None or not found.is_file():
        return ""
    with _opened(found).open("rb") as file:
        return file.read(most).decode("utf-8", "replace").strip()


def files(root: Path, path: str) -> list[tuple[str, Path]]:
    """(path below `path`, file on this machine) of all regular files, sorted. Raises OutputError for a link that leads
    out of the run and for a name that no key can be."""
    top = resolve(root, path)
    if top is None:
        return []
    if top.is_file():
        return list(_bounded([(top.name, _opened(top))]))
    with _told():
        return list(_bounded(_regular(root, top)))


def _regular(root: Path, top: Path) -> Iterator[tuple[str, Path]]:
    for name, here in _walk(top):
        inside = str(ROOT / here.relative_to(root))
        place: Path | None = here
        if here.is_symlink():
            place = resolve(root, inside)
            if place is None:
                raise OutputError(
                    f"{inside} is a link that leads out of the job or nowhere: it cannot be stored. Leave a copy of "
                    "the file there instead"
                )
        if place is not None and place.is_file():
            if not _is_text(name):
                shown = inside.encode(errors="surrogateescape").decode(errors="backslashreplace")
                raise OutputError(f"the name of {shown} is not UTF-8, as keys in S3 are: give the file another name")
            yield name, _opened(place)


def empty(root: Path, path: str) -> bool:
    """There is no file below `path`."""
    top = resolve(root, path)
    with _told():
        return top is None or (top.is_dir() and next(_walk(top), None) is None)


def pack(root: Path, path: str) -> Path:
    """A `.tar.gz` of what stands below `path`, in a file of this run; the same bytes whenever the content is the same.
    Takes long: call it in a thread. The caller deletes the file."""
    archive = root / f".{ids.new()}.tar.gz"
    try:
        with _told():
            _pack(resolve(root, path), archive)
    except BaseException:
        archive.unlink(missing_ok=True)  # on a full disk every attempt would leave one more
        raise
    return archive


def _pack(top: Path | None, archive: Path) -> None:
    # No name, time or owner of this moment goes in: an upload that is repeated after a crash stores the same object.
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, here in _bounded(_members(top)):
            member: tarfile.TarInfo | None = tar.gettarinfo(str(here), name)
            if member is None or not (member.isreg() or member.isdir() or member.issym() or member.islnk()):
                continue
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = 0
            if member.islnk():  # A hard link's partner may be met in another order next time: store the bytes.
                member.type, member.linkname, member.size = tarfile.REGTYPE, "", here.stat().st_size
            if member.isreg():
                with _opened(here).open("rb") as file:
                    tar.addfile(member, file)
            else:
                tar.addfile(member)


def _bounded(found: Iterable[tuple[str, Path]]) -> Iterator[tuple[str, Path]]:
    """The same. Raises OutputError when holes make the files much larger than what the disk holds of them."""
    told = held = 0
    for name, here in found:
        seen = here.lstat()
        if stat.S_ISREG(seen.st_mode):
            told, held = told + seen.st_size, held + 512 * seen.st_blocks
        if told > FREELY + GROWTH * held:
            raise OutputError(
                f"{name} and what stands before it come to {told:,} bytes, of which the disk holds {held:,}: "
                f"files with holes are stored up to {FREELY + GROWTH * held:,} bytes"
            )
        yield name, here


async def upload(ctx: Context, file: Path, to: Location, *, part_bytes: int = PART_BYTES) -> None:
    """The object at `to` is the file: the old object or the new one, whole, at any moment. In parts when it is larger
    than `part_bytes`, since S3 takes no more than 5 GiB at once. Raises OutputError when S3 refuses it."""
    try:
        await _upload(ctx, file, to, part_bytes)
    except ServiceError as error:
        raise OutputError(f"{to}: {error.message}") from error


async def _upload(ctx: Context, file: Path, to: Location, part_bytes: int) -> None:
    size = file.stat().st_size
    at = {"Bucket": to.bucket, "Key": to.key}
    if size <= part_bytes:
        await ctx.call("s3", "PutObject", {**at, "Body": _chunks(file, 0, size), "ContentLength": size})
        return
    begun = await ctx.call("s3", "CreateMultipartUpload", at)
    at["UploadId"] = begun["UploadId"]
    parts = []
    try:
        for number, start in enumerate(range(0, size, part_bytes), 1):
            length = min(part_bytes, size - start)
            body = {"Body": _chunks(file, start, length), "ContentLength": length, "PartNumber": number}
            stored = await ctx.call("s3", "UploadPart", {**at, **body})
            parts.append({"PartNumber": number, "ETag": stored["ETag"]})
        await ctx.call("s3", "CompleteMultipartUpload", {**at, "MultipartUpload": {"Parts": parts}})
    except ServiceError:
        await ctx.call("s3", "AbortMultipartUpload", at)
        raise


async def upload_archive(ctx: Context, root: Path, path: str, to: Location) -> None:
    """The object at `to` is a `.tar.gz` of what stands below `path`."""
    archive = await asyncio.to_thread(pack, root, path)
    try:
        await upload(ctx, archive, to)
    finally:
        archive.unlink(missing_ok=True)


async def upload_files(ctx: Context, root: Path, path: str, to: Location) -> int:
    """Every file below `path` is an object below `to`; returns how many. Raises OutputError."""
    found = await asyncio.to_thread(files, root, path)
    for name, file in found:
        await upload(ctx, file, to.child(name))
    return len(found)


async def _chunks(file: Path, start: int, length: int) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        opened.seek(start)
        while length > 0 and (chunk := await asyncio.to_thread(opened.read, min(CHUNK, length))):
            length -= len(chunk)
            yield chunk


def _below(path: PurePosixPath) -> list[str] | None:
    if not path.is_relative_to(ROOT):
        return None
    return list(path.relative_to(ROOT).parts)


def _walk(top: Path) -> Iterator[tuple[str, Path]]:
    """Everything below `top` that is no directory, links unfollowed, in the order of names."""
    for name, here in _members(top):
        if here.is_symlink() or not here.is_dir():
            yield name, here


def _members(top: Path | None) -> Iterator[tuple[str, Path]]:
    """Everything below `top`, links unfollowed, in the order of names. Raises OSError for what cannot be listed."""
    if top is None:
        return
    if not top.is_dir():
        if stat.S_ISREG(top.lstat().st_mode):
            yield top.name, top
        return
    # Not os.walk: it leaves out in silence what it cannot list, and recurses, which a program's directories outdo.
    waiting = [_opened(top)]
    while waiting:
        with os.scandir(waiting.pop()) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
        folders = []
        for entry in entries:
            here = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                folders.append(_opened(here))
            yield here.relative_to(top).as_posix(), here
        waiting += reversed(folders)


@contextmanager
def _told() -> Iterator[None]:
    """What no second try can read is an OutputError."""
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise OutputError("the files lie deeper than a path may be long (4,096 bytes)") from error


def _opened(path: Path) -> Path:
    """The path, readable: its program may have closed it to its own user, who is ours. Links are left as they are."""
    mode = path.lstat().st_mode
    need = stat.S_IRWXU if stat.S_ISDIR(mode) else stat.S_IRUSR
    if not stat.S_ISLNK(mode) and mode & need != need:
        path.chmod(stat.S_IMODE(mode) | need)
    return path


def _is_text(name: str) -> bool:
    """It was UTF-8 on the disk."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
