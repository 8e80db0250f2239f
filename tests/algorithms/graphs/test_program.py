"""Requests to compiled models: what is read, what is answered, and in which words it is refused."""

import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clary.algorithms.graphs import program_output
from clary.algorithms.graphs.base import Answer, LoadError, Program, Request, load
from clary.algorithms.linear_learner.model import LinearModel
from clary.algorithms.tabular.serving import TableModel
from tests.algorithms.graphs import small


def ask(program: Program, body: bytes | str, content_type: str = "text/csv", accept: str = "") -> Answer:
    (answer,) = program.answer([Request(content_type, accept, body if isinstance(body, bytes) else body.encode())])
    return answer


def said(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body.decode()


@pytest.fixture(scope="module")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return load(small.colours(tmp_path_factory.mktemp("colours")))


@pytest.fixture(scope="module")
def sums(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return load(small.sums(tmp_path_factory.mktemp("sums")))


def test_rows_of_text_become_labels(colours: Program) -> None:
    assert ask(colours, "red,small") == Answer(200, "text/csv", b"stop\n")
    assert ask(colours, "red,small\nred,large\r\ngreen,small\n").body == b"stop\nslow\ngo\n"
    assert ask(colours, '"red","small"\n').body == b"stop\n"
    assert ask(colours, "\ufeffred,small").body == b"stop\n"
    assert ask(colours, "red,small", "text/csv; charset=utf-8").body == b"stop\n"
    assert ask(colours, "red,small", "Text/CSV").body == b"stop\n"
    assert ask(colours, '[["red","small"],["green","small"]]', "application/json").body == b"stop\ngo\n"
    assert ask(colours, "red,small", "").body == b"stop\n"
    packed = io.BytesIO()
    np.save(packed, np.array([["red", "large"]]))
    assert ask(colours, packed.getvalue(), "application/x-npy").body == b"slow\n"


def test_labels_in_the_form_that_is_asked_for(colours: Program) -> None:
    assert ask(colours, "red,small", accept="application/json") == Answer(200, "application/json", b'["stop"]')
    assert ask(colours, "red,small", accept="*/*").content_type == "text/csv"
    answer = ask(colours, "red,small\nred,large", accept="application/x-npy")
    assert np.load(io.BytesIO(answer.body), allow_pickle=False).tolist() == ["stop", "slow"]
    assert ask(colours, "red,small", accept="image/png").status == 406


def test_a_category_that_the_model_does_not_know_is_refused_with_those_it_does(colours: Program) -> None:
    for body in ("red,tiny", "red,small\nred,tiny"):
        status, text = said(ask(colours, body))
        assert status == 422
        assert "column 2 (size): 'tiny' is not one of the known values: small, large." in text
    assert said(ask(colours, "red,small\nred,tiny"))[1].startswith("Row 2")
    assert said(ask(colours, '[["red","sm,all"]]', "application/json"))[0] == 422


def test_a_comma_in_a_cell_is_no_end_of_it(tmp_path: Path) -> None:
    columns = [{"name": "colour", "kind": "string", "allowed": None}, {"name": "size", "kind": "string"}]
    program = load(small.colours(tmp_path, columns=columns))
    assert ask(program, '"red,small",""').body == b"go\n"
    assert ask(program, '["red,small",""]', "application/json").body == b"go\n"


@pytest.mark.parametrize(
    ("body", "kind", "status", "words"),
    [
        ("red", "text/csv", 400, "has 1 columns, but the model takes 2"),
        ("red,small,1", "text/csv", 400, "has 3 columns, but the model takes 2. Leave out the label."),
        ("red,small\nred", "text/csv", 400, "Row 2 has 1 columns"),
        ("", "text/csv", 400, "empty"),
        (" \n ", "text/csv", 400, "empty"),
        (b"\xff\xfe", "text/csv", 400, "not UTF-8"),
        ('"red', "text/csv", 400, "columns"),
        ("[1", "application/json", 400, "not JSON"),
        ("red,small", "application/pdf", 415, "not supported"),
    ],
)
def test_what_is_no_row_of_text_is_refused(
    colours: Program, body: bytes | str, kind: str, status: int, words: str
) -> None:
    got, text = said(ask(colours, body, kind))
    assert got == status
    assert words in text


def test_numbers_among_text_are_numbers_when_the_graph_sees_them(tmp_path: Path) -> None:
    program = load(small.sizes(tmp_path))
    assert ask(program, "large,2.5\nsmall,2.5").body == b"[2.5]\n[-2.5]\n".replace(b"[", b"").replace(b"]", b"")
    assert ask(program, "large, 1e2").body == b"100.0\n"
    assert ask(program, "large,").body == b"nan\n"
    assert said(ask(program, "large,high")) == (400, "Row 1, column 2: 'high' is not a finite number.")
    assert ask(program, '[["large", 3]]', "application/json").body == b"3.0\n"


SUMS: list[tuple[bytes, str]] = [
    (b"1,2,3,4", "text/csv"),
    (b"1,2,3,4\n", "text/csv"),
    (b"1,2,3,4\r\n5,6,7,8\r\n", "text/csv"),
    (b"1.5,-2,3e1,+4\n", "text/csv"),
    (b"1.,.5,01,4\n", "text/csv"),
    (b" 1 , 2,3,4", "text/csv"),
    (b'"1",2,3,4', "text/csv"),
    (b"1\t2\t3\t4", "text/csv"),
    (b"1;2;3;4\n1;2;3;4", "text/csv"),
    (b"0.5,0.25,0.12500,4096.50", "text/csv"),
    (b"[[1,2,3,4]]", "application/json"),
    (b'{"instances":[{"features":[1,2,3,4]},{"data":{"features":{"values":[4,3,2,1]}}}]}', "application/json"),
    (b'{"features":[1,2,3,4]}\n[4,3,2,1]\n', "application/jsonlines"),
    (b"0 0:1 1:2 2:3 3:4\n", "text/libsvm"),
]
BAD: list[tuple[bytes, str]] = [
    (b"", "text/csv"),
    (b"\n\n", "text/csv"),
    (b"1,2,3", "text/csv"),
    (b"1,2,3,4,5", "text/csv"),
    (b"1,2,3,4\n1,2,3", "text/csv"),
    (b"1,2,3,4\n\n1,2,3,4,5", "text/csv"),
    (b"1,2,3,x", "text/csv"),
    (b"1,2,3,true", "text/csv"),
    (b"1,2,3,1e39", "text/csv"),
    (b"1,2,3,-1000000000000000000000000000000000000000000", "text/csv"),
    (b"1,2,3,4 5", "text/csv"),
    (b"1,2,3,1-2", "text/csv"),
    (b"\xff", "text/csv"),
    (b"{}", "application/json"),
    (b"[[1,2,3,true]]", "application/json"),
    (b"[[1,2", "application/json"),
    (b"0 9:1", "text/libsvm"),
    (b"1,2,3,4", "image/png"),
    (b"x", "application/x-recordio-protobuf"),
]
ACCEPTS = ["", "text/csv", "application/json", "application/jsonlines", "*/*", "text/*;q=0.1, application/json", "x/y"]


class _Sums:
    """A Predictor of XGBoost's server that does what the small graph does."""

    columns, objective, classes = 4, "multi:softprob", 3

    def predict(self, features: Any, *, margin: bool = False) -> Any:
        dense = features.toarray() if hasattr(features, "toarray") else features
        weights = np.repeat(np.arange(3, dtype=np.float32)[None, :] + np.float32(0.5), 4, axis=0)
        return dense @ weights


def _native(body: bytes, kind: str, accept: str, image: str = "", **environ: str) -> tuple[int, str, bytes]:
    from clary.algorithms.serve import Refused
    from clary.algorithms.xgboost.serve import XGBoostModel

    model = XGBoostModel(_Sums(), {"CLARY_IMAGE": image, **environ})  # type: ignore[arg-type]
    try:
        made = model.invoke(body, kind or None, accept or None)
    except Refused as refused:
        return refused.status, "text/plain; charset=utf-8", str(refused).encode()
    return 200, made.content_type, made.body


def test_every_answer_is_what_xgboosts_server_would_have_sent(sums: Program) -> None:
    cases = [(body, kind, accept) for body, kind in (*SUMS, *BAD) for accept in ACCEPTS]
    wanted = [_native(*case) for case in cases]
    assert {one[0] for one in wanted} == {200, 400, 406, 415}
    # All in one call: those that are refused are among those that are answered.
    answers = sums.answer([Request(kind, accept, body) for body, kind, accept in cases])
    for case, answer, native in zip(cases, answers, wanted, strict=True):
        assert tuple(answer) == native, case
        assert tuple(ask(sums, case[0], case[1], case[2])) == native, case


def test_requests_that_are_alike_are_answered_as_each_alone(sums: Program, colours: Program, tmp_path: Path) -> None:
    sizes, centres = load(small.sizes(tmp_path / "sizes")), load(small.centres(tmp_path / "centres"))
    for program, given in (
        (sums, [body for body, kind in (*SUMS, *BAD) if kind == "text/csv"]),
        (
            colours,
            [b"red,small", b"red,large\n", b"green,small\r\n", b"red,tiny", b"", b"red", b"a,b\nc,d", b'"red",x'],
        ),
        (colours, [b"red,small\nred,small", b"", b"red,large"]),
        (colours, [b"red,small\n", b"\xef\xbb\xbfred,large", b"red,\xff"]),
        (sizes, [b"large,1", b"small,2.5\n", b"large,", b"large,x", b"large,1,2", b"\n"]),
        (centres, [b"1", b"12.5\n", b"1,2", b"", b"\n", b"1\n2", b"nan"]),
    ):
        for accept in ("", "text/csv", "application/json", "x/y"):
            alone = [program.answer([Request("text/csv", accept, body)])[0] for body in given]
            for count in range(1, len(given) + 1):
                some = [Request("text/csv", accept, body) for body in given[:count]]
                assert program.answer(some) == alone[:count]
            good = [place for place, one in enumerate(alone) if one.status == 200]
            assert program.answer([Request("text/csv", accept, given[one]) for one in good]) == [
                alone[one] for one in good
            ]
    assert sums.answer([]) == []


def test_old_versions_write_all_scores_on_one_line(tmp_path: Path) -> None:
    program = load(small.sums(tmp_path, one_line=True))
    body = b"1,2,3,4\n4,4,4,4\n"
    assert tuple(ask(program, body)) == _native(body, "text/csv", "", "xgboost:0.90-1")


def test_the_default_answer_is_the_plans(tmp_path: Path) -> None:
    program = load(small.sums(tmp_path, default_accept="application/json"))
    native = _native(b"1,2,3,4", "text/csv", "", SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT="application/json")
    assert tuple(ask(program, b"1,2,3,4")) == native


def test_missing_values_are_missing_in_the_graph(tmp_path: Path) -> None:
    program = load(small.sums(tmp_path, columns=2, classes=1))
    for body, kind in ((b"1,\n", "text/csv"), (b"1,nan", "text/csv"), (b"0 0:1", "text/libsvm")):
        assert ask(program, body, kind).body == b"nan\n"
    assert ask(program, b"[[1,null]]", "application/json").body == b"nan\n"


def test_answers_of_named_numbers_are_those_of_the_tables_servers(tmp_path: Path) -> None:
    program = load(small.centres(tmp_path))
    assert ask(program, "1\n12.5").body == (
        b'{"predictions": [{"closest_cluster": 0.0, "distance_to_cluster": 1.0},'
        b' {"closest_cluster": 1.0, "distance_to_cluster": 2.5}]}'
    )
    assert ask(program, "1", accept="text/csv").body == b"0.0,1.0\n"
    assert ask(program, "1", accept="application/jsonlines").body.endswith(b'"distance_to_cluster": 1.0}\n')
    native = TableModel(LinearModel(np.ones((1, 1)), np.zeros(1), "regressor", "squared_loss", 0.5), {})
    for body, kind in ((b"1,2", "text/csv"), (b"", "text/csv"), (b"nan", "text/csv"), (b"1", "x/y")):
        with pytest.raises(Exception) as refused:
            native.invoke(body, kind, None)
        assert said(ask(program, body, kind)) == (refused.value.status, str(refused.value))  # type: ignore[attr-defined]


def test_a_row_that_the_graph_cannot_answer_fails_no_other(tmp_path: Path) -> None:
    program = load(small.picky(tmp_path))
    bodies = [b"1,2", b"-9,1", b"3,4\n5,6", b"7,99", b"1,x", b"0,0"]
    answers = program.answer([Request("text/csv", "", body) for body in bodies])
    assert [one.status for one in answers] == [200, 500, 200, 500, 400, 200]
    assert [answers[place].body for place in (0, 2, 5)] == [b"1.0,2.0\n", b"3.0,4.0\n5.0,6.0\n", b"0.0,0.0\n"]
    assert answers[1].body.startswith(b"The model failed on this request: ")


def test_numbers_are_written_as_python_writes_them() -> None:
    pick = np.random.default_rng(7)
    bits = pick.integers(0, 1 << 32, 4000, np.uint64).astype(np.uint32).view(np.float32)
    powers = [sign * factor * 10.0**power for power in range(-45, 39) for factor in (1.0, 9.5) for sign in (1, -1)]
    usual = pick.random(500).tolist() + (pick.random(500) * 1e-4).tolist() + (pick.random(500) * 1e17).tolist()
    for one in [*bits.tolist(), *powers, *usual, 0.0, -0.0, 1e16, 1e15, 123456789012345680.0, math.nan, math.inf]:
        assert program_output.number_line(one) == repr(one).encode()
        assert program_output.number_lines([[one, 1.5], [0.25, one]]) == f"{one!r},1.5\n0.25,{one!r}\n".encode()


def test_requests_of_many_rows_are_cut_into_runs(sums: Program) -> None:
    rows = np.random.default_rng(1).random((10_001, 4), np.float32)
    body = "\n".join(",".join(map(str, row)) for row in rows.tolist())
    whole, one = sums.answer([Request("text/csv", "", body.encode()), Request("text/csv", "", b"1,2,3,4")])
    assert whole.body.count(b"\n") == 10_001
    assert whole.body.splitlines()[10_000].split(b",")[1] == repr(float(np.float32(rows[10_000].sum() * 1.5))).encode()
    assert one.body == b"5.0,15.0,25.0\n"


@pytest.mark.parametrize("location", ["secret", "../secret", "/etc/hostname", "graphs/../secret"])
def test_a_graph_reads_no_file_but_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str) -> None:
    (tmp_path / "secret").write_bytes(b"\x01" * 16)
    made = small.sums(tmp_path / "graphs" / "one")
    small.with_data_at(made, location)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LoadError):
        load(made)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda place: (place / "graph.json").unlink(),
        lambda place: (place / "graph.json").write_text("{"),
        lambda place: (place / "graph.json").write_text("[]"),
        lambda place: (place / "graph.json").write_text('{"version": 2}'),
        lambda place: (place / "graph.onnx").unlink(),
        lambda place: (place / "graph.onnx").write_bytes(b"no graph"),
        lambda place: _change(place, input="pictures"),
        lambda place: _change(place, output="songs"),
        lambda place: _change(place, reader="nobody"),
        lambda place: _change(place, outputs=["nothing"]),
        lambda place: _change(place, columns=[{"kind": "float"}]),
    ],
    ids=range(11),
)
def test_what_is_no_compiled_model_does_not_load(tmp_path: Path, spoil: Any) -> None:
    spoil(small.sums(tmp_path))
    with pytest.raises(LoadError):
        load(tmp_path)


def _change(place: Path, **members: Any) -> None:
    plan = json.loads((place / "graph.json").read_text())
    (place / "graph.json").write_text(json.dumps({**plan, **members}))
