"""Any key has one path below its bucket and comes back from it; listings are in UTF-8 byte order."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clary.engines.objects import names
from clary.engines.objects.disk import DiskObjects

# Small alphabets meet the odd cases more often than all of Unicode does.
odd = st.sampled_from(
    ["", ".", "..", ".%", ".%%", ".%a%o", ".%a%-", ".%00", ".%25", "a", "a-", "a0", "b", "\0", "\n", "é"]
)
component = st.one_of(
    odd,
    st.text(alphabet=".%/a0o-25\0é\U0001f600", max_size=6),
    st.text(max_size=20),
    st.integers(230, 300).map(lambda n: "x" * n),
    st.integers(70, 90).map(lambda n: "\U0001f600" * n),
    st.integers(80, 130).map(lambda n: "%" * n),
)
key = (
    st.lists(component, min_size=1, max_size=6)
    .map("/".join)
    .filter(lambda one: one != "" and len(one.encode(errors="replace")) <= 1024)
    .filter(lambda one: not any(0xD800 <= ord(char) <= 0xDFFF for char in one))
)


async def one(data: bytes) -> AsyncIterator[bytes]:
    yield data


@given(key)
def test_every_name_fits_a_file_system(given_key: str) -> None:
    for place in (names.place(given_key), names.aside(given_key)):
        for name in (*place.dirs, place.leaf):
            assert name not in ("", ".", "..")
            assert "/" not in name
            assert "\0" not in name
            assert len(name.encode()) <= 255


@given(
    st.lists(st.sampled_from("abcABC019-_.=é "), min_size=1, max_size=200)
    .map("".join)
    .filter(lambda one: one[0] != ".")
)
def test_ordinary_keys_are_their_own_paths(text: str) -> None:
    for ordinary in (text, f"a/{text}", f"{text}/dt=2024-01-01T00%3A00/part-0.snappy.parquet"):
        assert names.place(ordinary).path == ordinary


@given(key, key)
def test_no_two_keys_share_a_path(first: str, second: str) -> None:
    places = [names.place(first), names.aside(first), names.place(second), names.aside(second)]
    assert len(set(places)) == (2 if first == second else 4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(key, min_size=1, max_size=12, unique=True), st.data())
def test_any_keys_are_stored_listed_in_order_and_gone_again(keys: list[str], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as top:
        store = DiskObjects(Path(top) / "objects")
        try:
            asyncio.run(_round_trip(store, Path(top), keys, data))
        finally:
            store.close()
        outside = sorted(path.name for path in Path(top).iterdir())
        assert outside == ["objects"]
        assert sorted(path.name for path in (Path(top) / "objects").iterdir()) == [".clary"]


async def _round_trip(store: DiskObjects, top: Path, keys: list[str], data: st.DataObject) -> None:
    await store.create_bucket("b")
    for each in keys:
        await store.put("b", each, one(each.encode()), {"key": each})
    ordered = sorted(keys, key=str.encode)
    assert [stat.key for stat in await store.list("b", "", "", 1000)] == ordered
    for each in keys:
        found = await store.get("b", each)
        assert b"".join([piece async for piece in found]) == each.encode()
        assert (await store.head("b", each)).meta == {"key": each}
        path = store.local("b", each)
        assert path is not None
        assert path.resolve().is_relative_to(top.resolve() / "objects" / "b")
    await _pages(store, ordered, data)
    for each in data.draw(st.permutations(keys)):
        await store.delete("b", each)
    assert await store.list("b", "", "", 1000) == []
    await store.delete_bucket("b")


async def _pages(store: DiskObjects, ordered: list[str], data: st.DataObject) -> None:
    """Every page is what a plain reading of the rules says."""
    sample = data.draw(st.sampled_from(ordered))
    prefix = sample[: data.draw(st.integers(0, len(sample)))]
    delimiter = data.draw(st.sampled_from(["", "/", "/", "x", "%", "a-"]))
    limit = data.draw(st.integers(1, 4))
    expected: list[str] = []
    for each in ordered:
        if each.startswith(prefix):
            at = each.find(delimiter, len(prefix)) if delimiter else -1
            rolled = each[: at + len(delimiter)] if at >= 0 else each
            if rolled not in expected:
                expected.append(rolled)
    seen: list[str] = []
    after = ""
    while True:
        page = await store.page("b", prefix, delimiter, after, limit)
        items = sorted([stat.key for stat in page.objects] + page.prefixes, key=str.encode)
        assert len(items) <= limit
        seen += items
        if not page.truncated:
            break
        assert page.last == items[-1]
        after = page.last
    assert seen == expected
