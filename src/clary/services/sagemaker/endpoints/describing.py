"""What DescribeEndpoint says: what is true of each variant at this moment, in the stage in which its endpoint is."""

from collections.abc import Mapping

from clary.kernel.resource import Doc, Resource
from clary.services.sagemaker import serverless
from clary.services.sagemaker.capturing import rules
from clary.services.sagemaker.endpoints import rollout, shifting
from clary.services.sagemaker.endpoints.compiled import deployed_image
from clary.services.sagemaker.endpoints.machine import containers
from clary.services.sagemaker.endpoints.shifting import Shift, shift_of


def described(endpoint: Resource) -> Doc:
    """DescribeEndpoint's answer."""
    status = endpoint.status
    live, target = status.get("_live"), status.get("_target")
    shift = shift_of(endpoint)
    said = endpoint.public()
    said.pop("Tags", None)
    said.pop("DeploymentConfig", None)
    shown = live or target
    if shown is not None:
        same = target if target is not None and target["generation"] == shown["generation"] else shown
        stays = {} if shift is None else {name: 1.0 - one for name, one in shift.share().items()}
        told = _state(endpoint, shift, shown, same)
        said |= _variants(endpoint, shown, same, stays, told)
        said |= rules.described(shown.get("capture"))
        said |= {"AsyncInferenceConfig": shown["asynchronous"]} if shown.get("asynchronous") else {}
    if shift is not None and not shift.back:
        new = shift.new
        said["PendingDeploymentSummary"] = {
            "EndpointConfigName": new["config"],
            **_variants(endpoint, new, new, shift.share(), _coming(endpoint, shift)),
            "StartTime": new["started"],
        }
    return {
        **said,
        "EndpointArn": endpoint.arn,
        "EndpointStatus": endpoint.phase,
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    }


def _variants(endpoint: Resource, now: Doc, asked: Doc, share: Mapping[str, float], told: Doc) -> Doc:
    """ProductionVariants, and ShadowProductionVariants where there are any. `share`: of each variant's weight, which is
    in force in this deployment; all of it where nothing is said."""
    ready: dict[str, int] = {}
    for one in endpoint.status.get("_instances") or []:
        if one["generation"] == now["generation"] and one["ready"] is not None:
            ready[one["variant"]] = ready.get(one["variant"], 0) + 1
    members = {"variants": "ProductionVariants", "shadows": "ShadowProductionVariants"}
    return {
        member: [
            {
                "VariantName": variant["name"],
                "DeployedImages": [
                    {"SpecifiedImage": one["Image"], **deployed_image(variant), "ResolutionTime": now["started"]}
                    for one in containers(variant)
                ],
                "CurrentWeight": variant["weight"] * share.get(variant["name"], 1.0),
                "DesiredWeight": wanted["weight"],
                "CurrentInstanceCount": ready.get(variant["name"], 0),
                **serverless.summary(variant, wanted),
                **({"VariantStatus": [told]} if told else {}),
            }
            for variant, wanted in zip(now[kind], asked[kind], strict=True)
        ]
        for kind, member in members.items()
        if now.get(kind)
    }


def _state(endpoint: Resource, shift: Shift | None, shown: Doc, asked: Doc) -> Doc:
    """VariantStatus of the deployment that serves, or is to serve first; empty when nothing is on its way."""
    match endpoint.phase:
        case "Creating":
            return _told("Creating", "The first instances are starting.", shown["started"])
        case "Deleting":
            return _told("Deleting", "The instances end.", endpoint.modified)
        case "Updating" if shift is None:
            return _told("Updating", "Weights and instance counts change.", asked["started"])
        case "Updating" if shift is not None and shift.stage == shifting.DELETING:
            seconds = rollout.termination_seconds(shift.config)
            return _told("Deleting", f"The old instances are kept for {seconds:.0f} s more.", shift.since)
        case "RollingBack" if shift is not None and shift.stage == shifting.ACTIVATING:
            return _told("ActivatingTraffic", "The traffic moves back to these instances.", shift.since)
        case "RollingBack":
            since = endpoint.modified if shift is None else shift.since
            return _told("Updating", "The instances of the configuration before the update come up again.", since)
    return {}


def _coming(endpoint: Resource, shift: Shift) -> Doc:
    """VariantStatus of the deployment that is on its way in."""
    number, all_ = shift.step + 1, len(shift.stages())
    where = f"Stage {number} of {all_}"
    parts = sorted({round(100 * one, 1) for one in shift.current.share.values()})
    traffic = " to ".join(f"{one:g} %" for one in {parts[0]: None, parts[-1]: None})
    match shift.stage:
        case shifting.CREATING:
            return _told("Creating", f"{where}: instances are starting.", shift.since)
        case shifting.ACTIVATING:
            return _told("ActivatingTraffic", f"{where}: {traffic} of the traffic moves here.", shift.since)
        case shifting.BAKING:
            seconds = rollout.wait_seconds(shift.config)
            return _told("Baking", f"{where}: {traffic} of the traffic for {seconds:.0f} s.", shift.since)
    return _told("Baking", "All traffic is here; the old instances are still kept.", shift.since)


def _told(status: str, message: str, since: float) -> Doc:
    return {"Status": status, "StatusMessage": message, "StartTime": since}
