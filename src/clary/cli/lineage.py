"""`clary lineage`: what a thing was made of and what was made of it, as a tree. A client of the public wire."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import typer

from clary.cli.registry.commands import HomeOption, JsonOption

Doc = dict[str, Any]
DEEPEST: Final = 10
MOST_DESCRIBED: Final = 500
"""Entities of a tree whose sources and versions are asked for; of more, only the type and the name are shown."""
_ENTITIES: Final = ("artifact", "context", "action", "experiment-trial-component", "experiment")
_JOBS: Final = ("training-job", "processing-job", "transform-job")
_KINDS: Final = ("endpoint", *_JOBS, "hyper-parameter-tuning-job", "model", "model-package-group")
"""What a plain name may be the name of, in the order in which they are tried."""
_SHORT: Final = 12


def register(app: typer.Typer) -> None:
    """The command is part of `app`."""
    app.command()(lineage)


def lineage(
    what: Annotated[
        str,
        typer.Argument(
            help="An ARN, an s3:// URI, KIND/NAME (training-job/abalone, model-package/cars/3), or the name of an"
            " endpoint, a job, a model or a group.",
            metavar="ARN|NAME|s3://...",
        ),
    ],
    up: Annotated[bool, typer.Option("--up", help="Only what it was made of.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only what was made of it.")] = False,
    depth: Annotated[int, typer.Option(min=1, max=DEEPEST, help="So many steps away, at most.", metavar="N")] = DEEPEST,
    home: HomeOption = None,
    json: JsonOption = False,
) -> None:
    """Print what something was made of, and what was made of it: data, code, images, jobs, models, endpoints.

    Exit code 1: nothing is known of it.
    """
    from clary.cli.registry.wire import connect, refusals

    wire = connect(home)
    directions = [name for name, asked in (("Ascendants", up), ("Descendants", down)) if asked]
    with refusals():
        show(wire, what, directions or ["Ascendants", "Descendants"], depth, json)


@dataclass
class Graph:
    """What a query answered, in one direction."""

    direction: str
    vertices: dict[str, Doc] = field(default_factory=dict)
    edges: list[Doc] = field(default_factory=list)
    _beyond: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, answer: Doc) -> None:
        """One more page."""
        up = self.direction == "Ascendants"
        self.vertices |= {one["Arn"]: one for one in answer["Vertices"]}
        self.edges += answer["Edges"]
        for edge in answer["Edges"]:
            ends = edge["SourceArn"], edge["DestinationArn"]
            near, far = reversed(ends) if up else ends
            self._beyond.setdefault(near, []).append((far, edge.get("AssociationType", "")))

    def beyond(self, arn: str) -> list[tuple[str, str]]:
        """(ARN, association type) of what is one step further."""
        return self._beyond.get(arn, [])


def show(wire: Any, what: str, directions: list[str], depth: int, json: bool) -> None:
    """The trees have been printed. Ends the command with 1 where nothing is known."""
    from clary.cli.say import fail, out

    client = wire.client("sagemaker")
    starts = list(_starts(wire, client, what))
    if not starts:
        fail(f"there is no lineage of {what}".replace("[", r"\["), "a thing is known some moments after it was made")
    graphs = {(start, one): _query(client, start, one, depth) for start in starts for one in directions}
    known = _described(client, graphs.values())
    if json:
        _print_json(starts, list(graphs.values()), known)
        return
    for place, start in enumerate(starts):
        if place:
            out.print()
        out.print(_label(known[start]), markup=False)
        for one in directions:
            graph = graphs[start, one]
            title = "made of" if one == "Ascendants" else "went into"
            if len(directions) > 1:
                out.print(f"{title}:" if graph.beyond(start) else f"{title}: nothing that is known", markup=False)
            for line in _tree(graph, known, start, "", {start}):
                out.print(line, markup=False)


def ancestors(client: Any, arn: str) -> list[str]:
    """What the resource of that ARN was made of, as lines of a tree; [] where nothing is known of it yet."""
    for start in _of_resource(client, arn):
        graph = _query(client, start, "Ascendants", DEEPEST)
        known = _described(client, [graph])
        return [_label(known[start]), *_tree(graph, known, start, "", {start})]
    return []


def _starts(wire: Any, client: Any, what: str) -> Iterator[str]:
    """ARNs of the lineage entities that are meant, the newest first."""
    if what.startswith("s3://"):
        for uri in _around(what):
            found = [one["ArtifactArn"] for one in client.list_artifacts(SourceUri=uri)["ArtifactSummaries"]]
            if found:
                yield from found
                return
        return
    for arn in _arns(wire, client, what):
        found = list(_of_resource(client, arn))
        if found:
            yield from found
            return


def _around(uri: str) -> Iterator[str]:
    """The URI, then the prefixes that it is in: what is in a large prefix is not known one by one."""
    yield uri
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    parts = key.rstrip("/").split("/")
    for count in range(len(parts), -1, -1):
        above = "/".join([bucket, *parts[:count]])
        yield from (f"s3://{above}/", f"s3://{above}")


def _arns(wire: Any, client: Any, what: str) -> Iterator[str]:
    if what.startswith("arn:"):
        yield what
        return
    account = wire.client("sts").get_caller_identity()["Account"]
    here = f"arn:aws:sagemaker:{client.meta.region_name}:{account}"
    if "/" in what:
        yield f"{here}:{what}"
        yield f"{here}:model-package/{what}"
        return
    group, colon, version = what.partition(":")
    if colon:
        yield f"{here}:model-package/{group}/{version}"
        return
    for kind in _KINDS:
        yield f"{here}:{kind}/{what}"


def _of_resource(client: Any, arn: str) -> Iterator[str]:
    """The entities that stand for the resource of that ARN, where there are any."""
    start, _, ending = arn.rpartition(":")
    kind, _, name = ending.partition("/")
    if kind in _JOBS:
        arn, kind = f"{start}:experiment-trial-component/{name.lower()}-aws-{kind}", "experiment-trial-component"
    if kind in _ENTITIES:
        if _is_known(client, arn):
            yield arn
        return
    yield from (one["ContextArn"] for one in client.list_contexts(SourceUri=arn, MaxResults=1)["ContextSummaries"])
    yield from (one["ArtifactArn"] for one in client.list_artifacts(SourceUri=arn, MaxResults=1)["ArtifactSummaries"])


def _is_known(client: Any, arn: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        client.query_lineage(StartArns=[arn], MaxDepth=1, MaxResults=1)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFound":
            return False
        raise
    return True


def _query(client: Any, start: str, direction: str, depth: int) -> Graph:
    graph = Graph(direction)
    token: Doc = {}
    while True:
        asked = {"StartArns": [start], "Direction": direction, "MaxDepth": depth, "IncludeEdges": True, **token}
        answer = client.query_lineage(**asked)
        graph.add(answer)
        if "NextToken" not in answer:
            return graph
        token = {"NextToken": answer["NextToken"]}


def _described(client: Any, graphs: Any) -> dict[str, Doc]:
    """Each vertex, with what its Describe says."""
    found: dict[str, Doc] = {}
    for graph in graphs:
        for arn, vertex in graph.vertices.items():
            if arn not in found:
                found[arn] = {**vertex, **(_describe(client, vertex) if len(found) < MOST_DESCRIBED else {})}
    return found


def _describe(client: Any, vertex: Doc) -> Doc:
    """Source, properties and status; {} where it was deleted, or its trial component is not written yet."""
    from botocore.exceptions import ClientError

    arn, name = vertex["Arn"], vertex["Arn"].partition("/")[2]
    try:
        match vertex["LineageType"]:
            case "Artifact":
                said = client.describe_artifact(ArtifactArn=arn)
            case "Context":
                said = client.describe_context(ContextName=name)
            case "Action":
                said = client.describe_action(ActionName=name)
            case _:
                said = client.describe_trial_component(TrialComponentName=name)
                return {"Name": said["TrialComponentName"], "Status": (said.get("Status") or {}).get("PrimaryStatus")}
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFound":
            return {}
        raise
    return {key: said[key] for key in ("Source", "Properties", "Status", "ArtifactName") if key in said}


def _tree(graph: Graph, known: dict[str, Doc], arn: str, indent: str, shown: set[str]) -> Iterator[str]:
    """One line an entity, each with all that is beyond it, once."""
    beyond = sorted(graph.beyond(arn), key=lambda pair: (_RANK.get(known[pair[0]]["Type"], 5), pair[0]))
    for place, (far, kind) in enumerate(beyond):
        last = place == len(beyond) - 1
        again = far in shown and bool(graph.beyond(far))
        yield f"{indent}{'└─ ' if last else '├─ '}{_label(known[far])}{_said(kind)}{'  (see above)' if again else ''}"
        if far not in shown:
            shown.add(far)
            yield from _tree(graph, known, far, indent + ("   " if last else "│  "), shown)


_RANK: Final = {"Endpoint": 0, "ModelDeployment": 1, "ModelPackage": 1, "Model": 2, "DataSet": 3, "Code": 4, "Image": 6}


def _said(kind: str) -> str:
    return f"  [{kind}]" if kind in ("DerivedFrom", "SameAs") else ""


def _label(vertex: Doc) -> str:
    """What it is, where it is from, in which state: hashes are cut."""
    kind, properties = vertex["Type"] or vertex["LineageType"], vertex.get("Properties") or {}
    if vertex["LineageType"] == "TrialComponent":
        name = vertex.get("Name") or vertex["Arn"].partition("/")[2]
        for job in _JOBS:
            name = name.removesuffix(f"-aws-{job}")
        return " ".join([kind, name, *([vertex["Status"]] if vertex.get("Status") else [])])
    uri = (vertex.get("Source") or {}).get("SourceUri", vertex["Arn"].partition("/")[2])
    name = uri.split(":", 5)[5].partition("/")[2] if uri.startswith("arn:") else uri
    said = [kind, vertex.get("ArtifactName") or name]
    if vertex["LineageType"] == "Artifact":
        said += [_version(one) for one in (vertex.get("Source") or {}).get("SourceTypes") or ()]
        said += [f"{properties['Objects']} objects"] if "Objects" in properties else []
    elif "ModelApprovalStatus" in properties:
        said += [properties["ModelApprovalStatus"], *([f"by {properties['By']}"] if properties.get("By") else [])]
    elif "ReplacedBy" in properties:
        said.append("(replaced)")
    return " ".join(said)


def _version(source_type: Doc) -> str:
    kind, value = source_type["SourceIdType"], source_type["Value"]
    what = {"S3ETag": "etag", "S3Version": "version", "MD5Hash": "md5"}.get(kind, "")
    if not what:
        what, _, value = value.rpartition(":") if ":" in value else ("", "", value)
    shown = value if value.count("/") else value[:_SHORT]
    return f"{what} {shown}".strip()


def _print_json(starts: list[str], graphs: list[Graph], known: dict[str, Doc]) -> None:
    import orjson

    edges = {(one["SourceArn"], one["DestinationArn"]): one for graph in graphs for one in graph.edges}
    document = {"StartArns": starts, "Vertices": list(known.values()), "Edges": list(edges.values())}
    typer.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
