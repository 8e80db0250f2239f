"""A crawl under way: what it remembers between two looks, what it logs, and whose rights it has."""

import asyncio
import json
from dataclasses import dataclass
from fnmatch import translate
from typing import Any, Final

import regex

from clary.aws.acting import Acting, session_of
from clary.aws.service import Context
from clary.kernel.resource import Doc, Resource
from clary.kernel.telemetry import LogEvent, LogStreamName
from clary.services.glue import roles
from clary.services.glue.api import PRINCIPAL
from clary.services.glue.crawlers import configuration
from clary.services.glue.crawlers.configuration import Configuration
from clary.services.glue.crawlers.rows import LOG_GROUP, Crawling, policy

NAMES: Final = 50
"""So many names of what was created, updated or deleted are told; all are counted."""


class CrawlFailed(Exception):
    """The crawl cannot go on; the message is for the crawler's owner."""


@dataclass(slots=True)
class Target:
    """A place to be crawled."""

    bucket: str
    prefix: str
    """"" or a folder's, with "/" at its end."""
    exclusions: list[str]
    sample: int | None
    known: tuple[str, str] | None
    """(database, table) of the catalog."""
    file: str = ""
    """Set: the target is this object alone."""

    @property
    def level(self) -> int:
        """Of the folder, as TableLevelConfiguration counts: the bucket is 1."""
        return 1 + self.prefix.count("/")


class Crawl:
    """One look's view of a running crawl. `memory` is a copy that goes back into the row with the step."""

    def __init__(self, crawling: Crawling, row: Resource) -> None:
        self.crawling = crawling
        self.row = row
        self.memory: Doc = json.loads(json.dumps(row.status["_crawl"]))
        self.configuration: Configuration = configuration.read(row.spec.get("Configuration"))
        self._said: list[str] = []

    @property
    def id(self) -> str:
        found: str = self.memory["id"]
        return found

    @property
    def new_folders_only(self) -> bool:
        recrawl = self.row.spec.get("RecrawlPolicy") or {}
        return bool(recrawl.get("RecrawlBehavior") == "CRAWL_NEW_FOLDERS_ONLY")

    @property
    def policy(self) -> Doc:
        return policy(self.row.spec)

    @property
    def database(self) -> str:
        return str(self.row.spec.get("DatabaseName", ""))

    def context(self) -> Context:
        """The crawler's role, now. Raises acting.NotAssumable."""
        crawling, row = self.crawling, self.row
        acting = Acting(PRINCIPAL, row.arn, roles.arn_of(row.account, row.spec["Role"]), "AWS-Crawler")
        return crawling.inside(session_of(acting, crawling.identities, row.account, crawling.clock.now()), row.region)

    def say(self, level: str, words: str) -> None:
        """A line of the crawl's log; written by `write_log`."""
        self._said.append(f"[{self.id}] {level} : {words}")

    async def write_log(self) -> None:
        """What was said is in the log, once, however often this look is repeated."""
        if not self._said:
            return
        row, crawling = self.row, self.crawling
        now = round(crawling.clock.now() * 1000)
        events = [LogEvent(now, line) for line in self._said]
        stream = LogStreamName(row.account, row.region, LOG_GROUP, stream_of(row.name))
        self.memory["lines"] += len(events)
        lines = self.memory["lines"]
        # In a thread: the first line of a stream is synced to the disk.
        await asyncio.to_thread(crawling.logs.append, stream, events, producer=self.id, position=lines)
        self._said.clear()

    def count(self, what: str, many: int = 1, *names: str) -> None:
        """So many more of "tables created", "files unreadable" ..."""
        if many:
            counts = self.memory["counts"]
            counts[what] = counts.get(what, 0) + many
            told = self.memory.setdefault("names", {}).setdefault(what, [])
            told += names[: max(0, NAMES - len(told))]

    def counted(self, what: str) -> int:
        return int(self.memory["counts"].get(what, 0))


def stream_of(crawler: str) -> str:
    """Log streams cannot be called with ":" or "*", as crawlers can."""
    return crawler.replace(":", "_").replace("*", "_")


def target_of(said: Doc) -> Target:
    """As `memory["targets"]` keeps it."""
    known = said.get("known")
    return Target(
        said["bucket"],
        said["prefix"],
        said.get("exclusions") or [],
        said.get("sample"),
        None if known is None else (known[0], known[1]),
        said.get("file", ""),
    )


class Excluded:
    """Glob patterns of keys below a target: * and ? stay within a folder, ** does not, {a,b} is one of several."""

    def __init__(self, patterns: list[str]) -> None:
        self._patterns = [regex.compile(_expression(one)) for one in patterns]

    def __call__(self, path: str) -> bool:
        return any(one.fullmatch(path) for one in self._patterns)


def _expression(glob: str) -> str:
    out, at, depth = [], 0, 0
    while at < len(glob):
        sign = glob[at]
        if glob.startswith("**", at):
            out.append(".*")
            at += 1
        elif sign == "*":
            out.append("[^/]*")
        elif sign == "?":
            out.append("[^/]")
        elif sign == "\\" and at + 1 < len(glob):
            at += 1
            out.append(regex.escape(glob[at]))
        elif sign == "[" and "]" in glob[at + 2 :]:
            end = glob.index("]", at + 2)
            out.append(_class(glob[at : end + 1]))
            at = end
        elif sign == "{":
            depth += 1
            out.append("(?:")
        elif sign == "}" and depth:
            depth -= 1
            out.append(")")
        elif sign == "," and depth:
            out.append("|")
        else:
            out.append(regex.escape(sign))
        at += 1
    return "".join(out) + ")" * depth


def _class(text: str) -> str:
    """[abc], [a-z], [!abc]: as fnmatch reads it, but never a slash."""
    made: Any = translate(text)
    inner = made[made.index("[") : made.rindex("]") + 1]
    return f"(?!/){inner}"
