"""What happens to crawlers, as Amazon EventBridge tells it."""

from collections.abc import Mapping, Sequence
from typing import Final

from clary.aws.heralds import Herald, envelope, seconds
from clary.kernel.resource import Doc
from clary.kernel.store import Event
from clary.services.glue.crawlers.rows import CRAWL, LOG_GROUP

_STATES: Final = {"COMPLETED": "Succeeded", "FAILED": "Failed", "STOPPED": "Stopped"}
_COUNTED: Final = ("tables", "partitions")
_VERBS: Final = ("created", "updated", "deleted")


def _crawl(event: Event) -> Sequence[Doc]:
    """Its begin and its end."""
    spec, status = event.resource["spec"], event.resource["status"]
    detail: Doc = {"accountId": event.account, "crawlerName": spec["CrawlerName"]}
    if event.type == "created":
        detail |= {"startTime": seconds(spec["StartTime"]), "state": "Started", "message": "Crawler Started"}
    elif event.type == "moved" and event.phase in _STATES:
        state = _STATES[event.phase]
        detail |= {
            "state": state,
            "message": f"Crawler {state}",
            "completionDate": seconds(status["EndTime"]),
            "runningTime (sec)": str(round(status["EndTime"] - spec["StartTime"])),
            "cloudWatchLogLink": f"{LOG_GROUP}:log-stream:{spec['LogStream']}",
            "warningMessage": "N/A",
        }
        for what in _COUNTED:
            for verb in _VERBS:
                detail[f"{what}{verb.capitalize()}"] = str(status["_counts"].get(f"{what} {verb}", 0))
        if "ErrorMessage" in status:
            detail["errorMessage"] = status["ErrorMessage"]
    else:
        return ()
    return [envelope(event, "aws.glue", "Glue Crawler State Change", detail, [])]


HERALDS: Final[Mapping[str, Herald]] = {CRAWL: _crawl}
