"""A crawl's tables are written into the catalog: one small, repeatable act a look.

What is going to be done is first written down (`memory["doing"]`), then done and counted in the next look. So a crash
after the act repeats it without counting it twice or taking what it made itself for something that was there before.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from clary.aws.service import Context
from clary.kernel.resource import Doc
from clary.services.glue.crawlers import tables
from clary.services.glue.crawlers.catalog import Catalog
from clary.services.glue.crawlers.crawl import Crawl, CrawlFailed
from clary.services.glue.crawlers.grouping import partition_values
from clary.services.glue.crawlers.tables import Planned
from clary.services.glue.errors import EntityNotFoundException

CHUNK: Final = 500
"""So many partitions a look."""
_BATCH: Final = 100
"""So many a call, as Glue bounds it."""
_DELETED: Final = 25

Known = dict[tuple[str, ...], Doc]
"""Partitions of the catalog, by their values."""


class Writing:
    """Of one crawl. `own`: this crawler's tables as they were when its writing began to be looked at, by place."""

    def __init__(self, crawl: Crawl, ctx: Context, own: dict[str, str]) -> None:
        self._crawl = crawl
        self._catalog = Catalog(crawl, ctx)
        self._own = own

    async def table(self, plan: Planned, known: Callable[[], Any]) -> None:
        """The next act for this table. `known`: asked for its partitions in the catalog (cached by the caller)."""
        memory = self._crawl.memory
        doing = memory.get("doing")
        if doing is None:
            memory["doing"] = await self._decided(plan)
        elif "action" in doing:
            await self._write_table(plan, doing)
        elif "add" not in doing:
            await self._decide_partitions(plan, doing, known)
        else:
            await self._write_partitions(plan, doing, known)

    async def _decided(self, plan: Planned) -> Doc:
        """What is to be done with the table itself."""
        crawl = self._crawl
        database, name = plan.known or (crawl.database, await self._name(plan))
        there = await self._catalog.table(database, name)
        doing: Doc = {"database": database, "name": name, "there": there is not None, "action": "nothing"}
        if there is None:
            if plan.known is not None:
                raise CrawlFailed(f"The table {name} of the database {database} was deleted while it was crawled")
            doing["action"] = "create"
        elif tables.differs(self._table_input(plan, name, there), there):
            changed = "update" if _has_keys(there, plan) else "replace"
            doing["action"] = changed if crawl.policy["UpdateBehavior"] == "UPDATE_IN_DATABASE" else "log"
            # Partitions of other keys cannot be added to what stays as it is.
            doing["fits"] = changed == "update"
        return doing

    async def _write_table(self, plan: Planned, doing: Doc) -> None:
        crawl, database, name = self._crawl, doing["database"], doing["name"]
        there = await self._catalog.table(database, name) if doing["there"] or doing["action"] == "create" else None
        match doing["action"]:
            case "create":
                if there is None:
                    wanted = tables.table_input(plan, name, crawl.row.name)
                    await self._catalog.call("CreateTable", DatabaseName=database, TableInput=wanted)
                crawl.count("tables created", 1, name)
                crawl.say("INFO", f"Created table {name} in database {database}")
            case "update":
                if there is not None:
                    wanted = self._table_input(plan, name, there)
                    if tables.differs(wanted, there):
                        await self._catalog.call("UpdateTable", DatabaseName=database, TableInput=wanted)
                crawl.count("tables updated", 1, name)
                crawl.say("INFO", f"Updated table {name} in database {database}")
            case "replace":
                await self._replace(plan, doing, there)
            case "log":
                crawl.say(
                    "INFO", f"Table {name} in database {database} differs from what was found; UpdateBehavior is LOG"
                )
        logged = doing.pop("action") == "log"
        doing["at"] = 0
        if not plan.keys or (logged and not doing["fits"]):
            self._over()

    async def _replace(self, plan: Planned, doing: Doc, there: Doc | None) -> None:
        """The folders mean other partition keys than they did: the table is made anew, with none of its partitions."""
        crawl, database, name = self._crawl, doing["database"], doing["name"]
        if there is not None and not _has_keys(there, plan):
            await self._catalog.call("DeleteTable", DatabaseName=database, Name=name)
            there = None
        if there is None:
            wanted = tables.table_input(plan, name, crawl.row.name)
            await self._catalog.call("CreateTable", DatabaseName=database, TableInput=wanted)
        doing["there"] = False
        crawl.count("tables updated", 1, name)
        keys = ", ".join(plan.keys) or "nothing"
        crawl.say("INFO", f"Updated table {name} in database {database}: it is now partitioned by {keys}")

    async def _decide_partitions(self, plan: Planned, doing: Doc, known: Callable[[], Any]) -> None:
        """Which partitions of the next chunk are to be added and which updated, by their numbers."""
        crawl = self._crawl
        leaves = tables.leaves_by_values(plan)
        at = doing["at"]
        there: Known = await known() if doing["there"] else {}
        if at >= len(leaves):
            doing |= {"add": [], "update": [], "remove": self._vanished(plan, there)}
            return
        inherited = await self._inherited(doing)
        add, update = [], []
        for number, leaf in enumerate(leaves[at : at + CHUNK], at):
            wanted = tables.partition_input(plan, leaf, crawl.row.name, inherited)
            have = there.get(tuple(wanted["Values"]))
            if have is None:
                add.append(number)
            elif tables.differs(wanted, have) and crawl.policy["UpdateBehavior"] == "UPDATE_IN_DATABASE":
                update.append(number)
        doing |= {"add": add, "update": update, "remove": []}

    async def _write_partitions(self, plan: Planned, doing: Doc, known: Callable[[], Any]) -> None:
        crawl, leaves = self._crawl, tables.leaves_by_values(plan)
        inherited = await self._inherited(doing)

        def inputs(numbers: Sequence[int]) -> list[Doc]:
            return [tables.partition_input(plan, leaves[one], crawl.row.name, inherited) for one in numbers]

        for verb, numbers in (("created", doing["add"]), ("updated", doing["update"])):
            wanted = inputs(numbers)
            for at in range(0, len(wanted), _BATCH):
                await self._write_batch(doing, verb, wanted[at : at + _BATCH])
            names = ["/".join(one["Values"]) for one in wanted]
            crawl.count(f"partitions {verb}", len(wanted), *names)
            if wanted:
                crawl.say(
                    "INFO", f"{verb.capitalize()} {len(wanted)} partitions of table {doing['name']}: {_few(names)}"
                )
        ends = doing["at"] >= len(leaves)
        if ends:
            await self._remove_partitions(doing, known)
        for name in ("add", "update", "remove"):
            del doing[name]
        doing["at"] += CHUNK
        if ends:
            self._over()

    async def _write_batch(self, doing: Doc, verb: str, wanted: Sequence[Doc]) -> None:
        place = {"DatabaseName": doing["database"], "TableName": doing["name"]}
        if verb == "created":
            said = await self._catalog.call("BatchCreatePartition", **place, PartitionInputList=list(wanted))
            # What is there already was made by this same act, before a crash.
            harmless = ("AlreadyExistsException",)
        else:
            entries = [{"PartitionValueList": one["Values"], "PartitionInput": one} for one in wanted]
            said = await self._catalog.call("BatchUpdatePartition", **place, Entries=entries)
            harmless = ("EntityNotFoundException",)
        for error in said.get("Errors") or ():
            detail = error["ErrorDetail"]
            if detail["ErrorCode"] not in harmless:
                raise CrawlFailed(f"A partition of {doing['name']} was refused: {detail['ErrorMessage']}")

    def _vanished(self, plan: Planned, there: Known) -> list[list[str]]:
        """Partitions of the catalog of which nothing was found."""
        if self._crawl.policy["DeleteBehavior"] == "LOG" or self._crawl.new_folders_only:
            return []
        found = {tuple(partition_values(plan.table, leaf)) for leaf in tables.leaves_by_values(plan)}
        return [list(values) for values in there if values not in found]

    async def _remove_partitions(self, doing: Doc, known: Callable[[], Any]) -> None:
        crawl, gone = self._crawl, doing["remove"]
        place = {"DatabaseName": doing["database"], "TableName": doing["name"]}
        deletes = crawl.policy["DeleteBehavior"] == "DELETE_FROM_DATABASE"
        there: Known = {} if deletes or not gone else await known()
        many = 0
        for at in range(0, len(gone), _DELETED):
            values = gone[at : at + _DELETED]
            if deletes:
                listed = [{"Values": one} for one in values]
                await self._catalog.call("BatchDeletePartition", **place, PartitionsToDelete=listed)
                many += len(values)
                continue
            for one in values:
                many += await self._deprecate_partition(place, there.get(tuple(one)))
        crawl.count("partitions deleted" if deletes else "partitions updated", many, *("/".join(one) for one in gone))
        if many:
            verb = "Deleted" if deletes else "Deprecated"
            crawl.say("INFO", f"{verb} {many} partitions of table {doing['name']}: {_few(['/'.join(v) for v in gone])}")

    async def _deprecate_partition(self, place: Doc, there: Doc | None) -> int:
        """It says since when nothing is in it; 0: it said so before."""
        if there is None or tables.DEPRECATED_BY in (there.get("Parameters") or {}):
            return 0
        marked = {**(there.get("Parameters") or {}), tables.DEPRECATED_BY: self._crawl.row.name}
        wanted = {"Values": there["Values"], "StorageDescriptor": there["StorageDescriptor"], "Parameters": marked}
        try:
            await self._catalog.call(
                "UpdatePartition", **place, PartitionValueList=there["Values"], PartitionInput=wanted
            )
        except EntityNotFoundException:
            return 0
        return 1

    async def _inherited(self, doing: Doc) -> Doc | None:
        """The descriptor that the table's partitions shall share; None: each has its own."""
        if not self._crawl.configuration.inherits:
            return None
        there = await self._catalog.table(doing["database"], doing["name"])
        return None if there is None else there.get("StorageDescriptor")

    async def _name(self, plan: Planned) -> str:
        """That of this crawler's table of this place; else the folder's name, unless another table has it."""
        own = self._own.get(plan.location)
        if own is not None:
            return own
        prefix = self._crawl.row.spec.get("TablePrefix", "")
        name = tables.named(prefix, plan.base_name, plan.location, hashed=False)
        there = await self._catalog.table(self._crawl.database, name)
        if there is None or _place(there) == plan.location.rstrip("/"):
            return name
        return tables.named(prefix, plan.base_name, plan.location, hashed=True)

    def _table_input(self, plan: Planned, name: str, there: Doc) -> Doc:
        """What a table that is there shall become: what others have written of it, and what was found."""
        wanted = tables.table_input(plan, name, self._crawl.row.name)
        descriptor = wanted["StorageDescriptor"]
        have = there.get("StorageDescriptor") or {}
        if self._crawl.configuration.merges_columns:
            descriptor["Columns"] = tables.with_new_columns(descriptor["Columns"], have.get("Columns") or [])
        wanted["Parameters"] = tables.kept_parameters(wanted["Parameters"], there.get("Parameters") or {})
        if len(there.get("PartitionKeys") or []) == len(wanted["PartitionKeys"]):
            # Their names and types may have been mended by hand; the values stay what they are.
            wanted["PartitionKeys"] = there.get("PartitionKeys") or []
        if plan.known is not None:
            descriptor["Location"] = have.get("Location", descriptor["Location"])
        if "Description" in there:
            wanted["Description"] = there["Description"]
        return wanted

    def _over(self) -> None:
        """On to the next table."""
        memory = self._crawl.memory
        memory.pop("doing", None)
        memory["table"] += 1


def _place(table: Doc) -> str:
    found: str = (table.get("StorageDescriptor") or {}).get("Location", "")
    return found.rstrip("/")


def _has_keys(table: Doc, plan: Planned) -> bool:
    """As many partition keys as its folders mean now."""
    return len(table.get("PartitionKeys") or []) == len(plan.keys)


def _few(names: Sequence[str], many: int = 10) -> str:
    return ", ".join(names[:many]) + (f" and {len(names) - many} more" if len(names) > many else "")
