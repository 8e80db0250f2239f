"""Models that are compiled, and endpoints that are served by what came of it: a scripted compiler, scripted workers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clary.aws.credentials import Principal
from clary.aws.service import Context
from clary.engines.runners.base import Work
from clary.kernel.clock import ManualClock
from clary.kernel.reconcile import Controller
from clary.kernel.resource import Doc, Resource
from clary.kernel.store import Where
from clary.services.sagemaker import MACHINES, compiling, reconcilers
from clary.services.sagemaker.compiling.work import Refusal, outcome
from tests.memory_graphs import MemoryGraphs
from tests.sagemaker_house import ACCOUNT, REGION, ROLE, SKLEARN, XGBOOST, House, training_request
from tests.services.test_sagemaker_endpoints import archive, variant

URL = "s3://lake/models/job/output/model.tar.gz"


class Compiler(House):
    """A house where models are compiled. `refuse`: the compiler's sentence; `code`: how it ends; `slow`: it goes on."""

    def __init__(self, directory: Path, start: float = 1_700_000_000.0) -> None:
        super().__init__(directory, behave=self._behave, clock=ManualClock(start))
        self.graphs = MemoryGraphs(directory / "graphs")
        self.on = True
        self.refuse: str | None = None
        self.code = 0
        self.slow = False
        self.works: list[Work] = []
        self.engines = replace(self.engines, graphs=self.graphs)
        self.reconcilers = reconcilers(self.engines)
        self.controller = Controller(self.store, self.clock, self.reconcilers, MACHINES)

    def inside(self, principal: Principal, region: str) -> Context:
        made = super().inside(principal, region)
        return replace(made, ports={**made.ports, compiling.Switch: compiling.Switch(self.on)})

    def _behave(self, uid: str, work: Work, root: Path) -> int | None:
        if work.serves:
            return None
        if "train" in work.command:
            (root / "model" / "m").write_bytes(b"trained")
            return 0
        assert work.command[1:] == ("-m", "clary.algorithms.graphs.compile")
        self.works.append(work)
        return None if self.slow else self.finish(root)

    def finish(self, root: Path) -> int:
        output = root / "output"
        if self.refuse is not None:
            (output / "refused.json").write_text(json.dumps({"why": self.refuse}))
        else:
            (output / "graph").mkdir()
            (output / "graph" / "graph.onnx").write_bytes(b"graph")
            plan = {"version": 1, "stages": ["xgboost"], "agreed": 1728}
            (output / "graph" / "graph.json").write_text(json.dumps(plan))
        return self.code

    def rows(self) -> list[Resource]:
        return self.store.page(compiling.KIND, Where(), limit=100)

    def routes(self) -> list[str]:
        return self.serving.addresses("e")["AllTraffic"]

    def notes(self) -> list[str]:
        return [one for one in self.lines("/aws/sagemaker/Endpoints/e") if one.startswith(("compiled: ", "native: "))]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Compiler]:
    made = Compiler(tmp_path)
    made.objects.write("lake", "models/job/output/model.tar.gz", archive(model=b"weights"))
    yield made
    made.close()


async def model(house: House, name: str = "m", **container: Any) -> None:
    primary = {"Image": XGBOOST, "ModelDataUrl": URL, **container}
    await house.call("CreateModel", ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=primary)


async def deploy(house: House, **more: Any) -> None:
    await house.call("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant(**more)])
    await house.call("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    await house.run(1.0)


async def described(house: House) -> Doc:
    return await house.call("DescribeEndpoint", EndpointName="e")


async def test_a_model_is_compiled_when_it_is_made(house: Compiler) -> None:
    await model(house, Environment={"A": "b"})
    assert [one.phase for one in house.rows()] == ["Waiting"]
    await house.run(1.0)
    (row,) = house.rows()
    assert row.phase == "Compiled"
    assert house.graphs.kept() == [row.name]
    assert await house.runner.uids() == []
    (work,) = house.works
    assert not work.network
    assert not [name for name in work.env if name.startswith("AWS_")]
    assert [(one.target, one.path.read_bytes()) for one in work.archives] == [
        ("/opt/ml/model/0", house.objects.read("lake", "models/job/output/model.tar.gz"))
    ]
    asked = json.loads(work.files["/opt/ml/input/config/compile.json"])
    environ = {"A": "b", "CLARY_IMAGE": XGBOOST}
    assert asked == {"stages": [{"image": "xgboost", "model": "/opt/ml/model/0", "environment": environ}], "rows": None}


async def test_an_endpoint_is_served_by_the_graph_and_says_so(house: Compiler) -> None:
    await model(house)
    await house.run(1.0)
    before = house.clock.now()
    await deploy(house, InitialInstanceCount=2)
    said = await described(house)
    assert said["EndpointStatus"] == "InService"
    assert said["LastModifiedTime"] - before < 1.0
    (row,) = house.rows()
    (one,) = said["ProductionVariants"]
    assert one["CurrentInstanceCount"] == 2
    assert one["DeployedImages"][0]["SpecifiedImage"] == XGBOOST
    assert one["DeployedImages"][0]["ResolvedImage"] == f"clary/compiled@sha256:{row.name}"
    uid = house.get("endpoint", "e").uid
    assert house.graphs.asked() == {f"{uid}-1-0-0": row.name, f"{uid}-1-0-1": row.name}
    assert sorted(house.routes()) == [f"graph:0/{uid}-1-0-0", f"graph:0/{uid}-1-0-1"]
    assert house.notes() == ["compiled: xgboost in one graph; 1,728 rows agree with the native servers"]
    assert house.runner.starts() == [row.uid]  # the compiler's, and no server
    await house.run(300.0)
    assert len(house.notes()) == 1
    await house.call("DeleteEndpoint", EndpointName="e")
    await house.run(1.0)
    assert house.graphs.asked() == {}
    assert house.graphs.kept() == [row.name]


async def test_a_second_model_of_the_same_artifact_costs_nothing(house: Compiler) -> None:
    await model(house)
    await house.run(1.0)
    await model(house, "other")
    await model(house, "elsewhere", Image=XGBOOST.replace("683313688378", "141502667606"))
    await house.run(1.0)
    assert len(house.works) == 1
    await model(house, "told", Environment={"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"})
    await model(house, "older", Image=XGBOOST.replace("1.7-1", "0.90-1"))
    await house.run(1.0)
    assert len(house.works) == 3


async def test_two_are_compiled_at_a_time(house: Compiler) -> None:
    house.slow = True
    for number in range(5):
        await model(house, f"m{number}", Environment={"NUMBER": str(number)})
    await house.run(10.0)
    for left in (3, 2, 1, 0, 0):
        assert [one.phase for one in house.rows()].count("Waiting") == left
        running = (await house.runner.uids())[0]
        house.runner.end(running, house.finish(house.runner.root(running)))
        await house.run(2.0)
    assert {one.phase for one in house.rows()} == {"Compiled"}


async def test_an_endpoint_waits_for_a_graph_that_is_being_made(house: Compiler) -> None:
    house.slow = True
    await model(house)
    await deploy(house)
    await house.run(20.0)
    assert (await described(house))["EndpointStatus"] == "Creating"
    (row,) = house.rows()
    house.runner.end(row.uid, house.finish(house.runner.root(row.uid)))
    await house.run(1.0)
    assert (await described(house))["EndpointStatus"] == "InService"
    assert house.routes()[0].startswith("graph:")
    assert house.runner.starts() == [row.uid]


async def test_it_waits_no_longer_than_it_may_and_changes_over_without_a_gap(house: Compiler) -> None:
    house.slow = True
    await model(house)
    await deploy(house)
    await house.run(70.0)
    assert (await described(house))["EndpointStatus"] == "InService"
    assert house.routes()[0].startswith("unix:")
    assert "ResolvedImage" not in (await described(house))["ProductionVariants"][0]["DeployedImages"][0]
    (row,) = house.rows()
    house.graphs.loading = True
    house.runner.end(row.uid, house.finish(house.runner.root(row.uid)))
    await house.run(30.0)
    assert house.routes()[0].startswith("unix:")  # as long as no worker has the graph
    house.graphs.loading = False
    await house.run(30.0)
    assert house.routes()[0].startswith("graph:")
    assert await house.runner.uids() == []
    assert all(any(one.addresses for one in route.variants) for route in house.serving.published[1:])
    assert house.notes() == [
        "native: its compilation is still under way",
        "compiled: xgboost in one graph; 1,728 rows agree with the native servers",
    ]


async def test_what_the_compiler_refuses_its_containers_serve(house: Compiler) -> None:
    house.refuse = "613 of 1,728 labels differ."
    await model(house)
    await deploy(house)
    assert (await described(house))["EndpointStatus"] == "InService"
    assert house.routes()[0].startswith("unix:")
    assert house.notes() == ["native: 613 of 1,728 labels differ"]
    assert house.graphs.kept() == []
    assert house.graphs.asked() == {}


@pytest.mark.parametrize(("code", "words"), [(1, "exit code 1"), (137, "exit code 137")])
async def test_a_compiler_that_dies_is_a_refusal(house: Compiler, code: int, words: str) -> None:
    house.code = code
    await model(house)
    await deploy(house)
    assert (await described(house))["EndpointStatus"] == "InService"
    assert words in house.notes()[0]


async def test_a_compiler_that_does_not_end_is_stopped(house: Compiler) -> None:
    house.slow = True
    await model(house)
    await house.run(400.0)
    (row,) = house.rows()
    assert (row.phase, row.status["_why"]) == ("Refused", "the compiler took longer than 300 s")
    assert await house.runner.uids() == []


async def test_a_compiler_that_is_lost_is_started_again_and_not_for_ever(house: Compiler) -> None:
    house.slow = True
    await model(house)
    for _ in range(3):
        await house.run(1.0)
        (row,) = house.rows()
        house.runner.lose(row.uid)
    await house.run(1.0)
    (row,) = house.rows()
    assert row.phase == "Refused"
    assert len(house.works) == 3
    assert await house.runner.uids() == []


async def test_a_graph_that_no_worker_can_load_is_none(house: Compiler) -> None:
    await model(house)
    await house.run(1.0)
    house.graphs.broken = "it is no ONNX"
    await deploy(house)
    await house.run(5.0)
    assert (await described(house))["EndpointStatus"] == "InService"
    assert house.routes()[0].startswith("unix:")
    assert house.notes()[-1] == "native: no worker can load it: it is no ONNX"


async def test_a_graph_that_is_gone_from_the_disk_is_made_again_and_meanwhile_the_containers_serve(
    house: Compiler,
) -> None:
    await model(house)
    await house.run(1.0)
    await deploy(house)
    (row,) = house.rows()
    uid = house.get("endpoint", "e").uid
    await house.graphs.stop(f"{uid}-1-0-0")
    house.graphs.forget([row.name])
    await house.run(60.0)
    assert house.routes()[0].startswith("unix:")
    await house.run(3700.0)
    assert len(house.works) == 2
    assert house.routes()[0].startswith("graph:")


async def test_what_nobody_uses_is_forgotten(house: Compiler) -> None:
    await model(house)
    await house.run(1.0)
    await deploy(house)
    await house.call("DeleteModel", ModelName="m")
    await house.run(2 * 3600.0)
    assert len(house.graphs.kept()) == 1
    assert house.routes()[0].startswith("graph:")
    await house.call("DeleteEndpoint", EndpointName="e")
    await house.run(2 * 3600.0)
    assert house.rows() == []
    assert house.graphs.kept() == []
    assert not list(house.scratch.glob("*"))


@pytest.mark.parametrize(
    ("container", "why"),
    [
        ({"Image": SKLEARN, "Environment": {"SAGEMAKER_PROGRAM": "inference.py"}}, "a program of its own"),
        ({"Environment": {"SAGEMAKER_SUBMIT_DIRECTORY": "s3://lake/code.tar.gz"}}, "a program of its own"),
        ({"Environment": {"CLARY_COMPILE": "off"}}, "CLARY_COMPILE is off in its environment"),
        ({"Image": XGBOOST.replace("sagemaker-xgboost:1.7-1", "pytorch-inference:2.0")}, "are not compiled"),
    ],
    ids=["program", "source", "off", "image"],
)
async def test_what_does_not_compile_is_not_even_tried(house: Compiler, container: Doc, why: str) -> None:
    await model(house, **container)
    assert house.rows() == []
    asked = await compiling.ask(
        house.inside(Principal(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, "root"), REGION),
        [{"Image": XGBOOST, "ModelDataUrl": URL, **container}],
        ROLE,
        "arn:aws:sagemaker:us-east-1:123456789012:model/m",
        direct=False,
    )
    assert asked.name is None
    assert why in asked.why


async def test_the_setting_turns_it_off(house: Compiler) -> None:
    house.on = False
    await model(house)
    await deploy(house)
    assert house.rows() == []
    assert house.routes()[0].startswith("unix:")


async def test_a_program_in_the_archive_is_the_users(house: Compiler) -> None:
    house.objects.write("lake", "with/code.tar.gz", archive(**{"code/inference.py": b"def model_fn(d): ..."}))
    await model(house, Image=SKLEARN, ModelDataUrl="s3://lake/with/code.tar.gz")
    await house.run(1.0)
    (row,) = house.rows()
    assert (row.phase, row.status["_why"]) == ("Refused", "it brings a program of its own (code/inference.py)")
    assert house.graphs.kept() == []


async def test_rows_of_the_training_data_go_with_it(house: Compiler) -> None:
    lines = [f"{number % 3},{number}.5,2" for number in range(1000)]
    house.objects.write("lake", "data/train/a.csv", ("\n".join(lines) + "\n").encode())
    await house.call("CreateTrainingJob", **training_request("job2"))
    await house.run(3.0)
    await model(house, ModelDataUrl="s3://lake/models/job2/output/model.tar.gz")
    await house.run(1.0)
    rows = house.works[-1].files["/opt/ml/input/rows.csv"].decode().splitlines()
    assert rows == [line.partition(",")[2] for line in lines[:400]]
    assert json.loads(house.works[-1].files["/opt/ml/input/config/compile.json"])["rows"] == "/opt/ml/input/rows.csv"


async def test_an_artifact_of_plain_objects_is_linked(house: Compiler) -> None:
    house.objects.write("lake", "plain/xgboost-model", b"weights")
    source = {"S3Uri": "s3://lake/plain/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    primary = {"Image": XGBOOST, "ModelDataSource": {"S3DataSource": source}}
    await house.call("CreateModel", ModelName="m", ExecutionRoleArn=ROLE, PrimaryContainer=primary)
    await house.run(1.0)
    (tree,) = house.works[0].trees
    assert (tree.target, [name for name, _ in tree.files]) == ("/opt/ml/model/0", ["xgboost-model"])


async def test_an_artifact_that_is_gone_when_it_is_compiled_is_a_refusal(house: Compiler) -> None:
    await model(house)
    (house.objects._root / "lake/models/job/output/model.tar.gz").unlink()
    await house.run(1.0)
    (row,) = house.rows()
    assert row.phase == "Refused"
    assert "s3://lake/models/job/output/model.tar.gz" in row.status["_why"]


def _left(root: Path, **files: bytes) -> Any:
    from clary.engines.runners.base import Run

    for name, content in files.items():
        path = root / "output" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Run("ended", exit_code=0, root=root)


def test_what_the_compiler_left_is_looked_at_as_data(tmp_path: Path) -> None:
    graph = {"graph/graph.onnx": b"x", "graph/graph.json": b'{"stages": ["xgboost"], "agreed": 3}'}
    made, plan = outcome(_left(tmp_path / "good", **graph))
    assert (made.name, plan) == ("graph", {"stages": ["xgboost"], "agreed": 3})
    for number, broken in enumerate(
        [
            {},
            {"graph/graph.onnx": b"x"},
            {"graph/graph.json": graph["graph/graph.json"]},
            {**graph, "graph/graph.json": b"["},
            {**graph, "graph/graph.json": b"[]"},
            {**graph, "graph/graph.json": b'{"stages": 3}'},
            {"refused.json": b"{"},
        ]
    ):
        with pytest.raises(Refusal):
            outcome(_left(tmp_path / str(number), **broken))


def test_links_in_what_the_compiler_left_lead_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b'{"stages": ["xgboost"], "why": "the secret"}')
    for place in ("graph/graph.onnx", "graph/graph.json", "refused.json"):
        root = tmp_path / place.replace("/", "-")
        run = _left(root, **{"graph/graph.onnx": b"x", "graph/graph.json": b'{"stages": ["xgboost"]}'})
        (root / "output" / place).unlink(missing_ok=True)
        (root / "output" / place).symlink_to(secret)
        if place == "refused.json":
            assert outcome(run)[1]["stages"] == ["xgboost"]
        else:
            with pytest.raises(Refusal):
                outcome(run)
