"""What a request for a processing job is refused for: AWS's own rules, and what is not served here."""

from pathlib import PurePosixPath
from typing import Any, Final

from clary.aws.errors import NotImplementedHere
from clary.jobs import locations
from clary.kernel.resource import Doc
from clary.services.sagemaker import tags
from clary.services.sagemaker.cluster import MOST_HOSTS
from clary.services.sagemaker.errors import check_command, refuse, require
from clary.services.sagemaker.processing.machine import ROOT

_REFUSED: Final = {
    "ProcessingResources.ClusterConfig.InstancePreferences": "a choice of instance types",
    "ProcessingResources.ClusterConfig.SelectedInstanceType": "a choice of instance types",
    "ProcessingResources.ClusterConfig.SelectedInstanceCount": "a choice of instance types",
    "ProcessingInputs.DatasetDefinition": "Athena and Redshift as sources; give an S3Input",
    "ProcessingOutputConfig.Outputs.FeatureStoreOutput": "the feature store; give an S3Output",
}
_SPARK: Final = "sagemaker-spark-processing"


def check(req: Doc) -> None:
    """Raises ValidationException for what AWS would refuse, NotImplementedHere for what Clary does not serve."""
    refuse(req, _REFUSED)
    tags.check(req.get("Tags"))
    app = req["AppSpecification"]
    for member in ("ContainerEntrypoint", "ContainerArguments"):
        check_command(f"AppSpecification.{member}", app.get(member) or [])
    if app["ImageUri"].rsplit("/", 1)[-1].split(":")[0].split("@")[0] == _SPARK:
        raise NotImplementedHere(
            f"The Spark processing image ({_SPARK}) is not served yet: it comes with the Spark engine. Use a "
            "scikit-learn image, or a container of your own."
        )
    check_command("Environment", (req.get("Environment") or {}).values())
    _check_cluster(req)
    names: set[Any] = set()
    for one in req.get("ProcessingInputs") or []:
        _check_name("ProcessingInputs", one["InputName"], names)
        _check_input(one)
    _check_pipes(req.get("ProcessingInputs") or [])
    names = set()
    for one in (req.get("ProcessingOutputConfig") or {}).get("Outputs") or []:
        _check_name("ProcessingOutputConfig", one["OutputName"], names)
        _check_output(one)


def _check_cluster(req: Doc) -> None:
    cluster = req["ProcessingResources"]["ClusterConfig"]
    for member in ("InstanceType", "InstanceCount"):
        require(bool(cluster.get(member)), f"ProcessingResources.ClusterConfig needs the member {member}")
    count = cluster["InstanceCount"]
    if count > MOST_HOSTS:
        raise NotImplementedHere(
            f"ProcessingResources.ClusterConfig.InstanceCount {count} is not served: the hosts of a job all run on "
            f"this machine, at most {MOST_HOSTS} of them."
        )
    if count > 1 and (req.get("NetworkConfig") or {}).get("EnableNetworkIsolation"):
        raise NotImplementedHere(
            "NetworkConfig.EnableNetworkIsolation with an InstanceCount above 1 is not served yet: without a network "
            "the hosts would not reach each other. Leave one of them out."
        )


def _check_name(where: str, name: str, names: set[Any]) -> None:
    require(name not in names, f"{where}: two are called {name!r}; names must be unique")
    names.add(name)


def _check_input(one: Doc) -> None:
    where = f"ProcessingInputs {one['InputName']!r}"
    given = one.get("S3Input")
    if given is None:
        require(bool(one.get("AppManaged")), f"{where} needs an S3Input")
        return
    locations.parse(given["S3Uri"])
    if one.get("AppManaged"):
        return
    mode, compression = given.get("S3InputMode", "File"), given.get("S3CompressionType", "None")
    require(
        compression == "None" or mode == "Pipe",
        f"{where}: S3CompressionType {compression} needs S3InputMode Pipe; leave it out",
    )
    _check_path(where, given.get("LocalPath"))


def _check_pipes(given: list[Doc]) -> None:
    """A pipe has a name of its own, and stands in no directory of linked files: what is laid over these has pipes of
    its own, which nobody feeds."""
    here = [one for one in given if "S3Input" in one and not one.get("AppManaged")]
    places = {one["InputName"]: PurePosixPath(one["S3Input"]["LocalPath"]) for one in here}
    for one in here:
        name = one["InputName"]
        if one["S3Input"].get("S3InputMode") != "Pipe":
            continue
        for other, place in places.items():
            require(
                other == name or place not in (places[name], *places[name].parents),
                f"ProcessingInputs {name!r}: with S3InputMode Pipe its LocalPath must be neither that of the input "
                f"{other!r} nor below it",
            )


def _check_output(one: Doc) -> None:
    where = f"ProcessingOutputConfig {one['OutputName']!r}"
    given = one.get("S3Output")
    if given is None:
        require(bool(one.get("AppManaged")), f"{where} needs an S3Output")
        return
    locations.parse(given["S3Uri"])
    if not one.get("AppManaged"):
        _check_path(where, given.get("LocalPath"))


def _check_path(where: str, given: str | None) -> None:
    require(bool(given), f"{where} needs the member LocalPath")
    require("\0" not in (given or ""), f"{where}: LocalPath holds a NUL character, which no path can")
    path = PurePosixPath(given or "")
    inside = path.is_relative_to(ROOT) and ".." not in path.parts and path != PurePosixPath(ROOT)
    require(inside, f"{where}: LocalPath {given!r} must be a path below {ROOT}/")
