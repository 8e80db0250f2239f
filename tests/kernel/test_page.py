"""Page tokens go on behind a place, in the list that gave them out, and nowhere else."""

import base64

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clary.kernel.errors import BadToken
from clary.kernel.page import decode, digest, encode, paginate
from clary.kernel.store import Store, Where
from tests.kernel.making import ACCOUNT, REGION, job


@settings(deadline=None)
@given(st.one_of(st.text(), st.floats(allow_nan=False, allow_infinity=False)), st.text())
def test_a_token_is_decoded_to_its_place(value: str | float, name: str) -> None:
    token = encode([value, name], digest("x"))
    assert token.isascii() and "=" not in token
    assert decode(token, digest("x")) == [value, name]


def test_a_token_of_another_list_is_refused() -> None:
    with pytest.raises(BadToken, match="other filters"):
        decode(encode(["a", "a"], digest("x", None)), digest("x", 1))


def test_every_garbled_token_is_refused() -> None:
    def packed(value: object) -> str:
        return base64.urlsafe_b64encode(orjson.dumps(value)).decode()

    filters = digest("x")
    good = encode(["a", "b"], filters)
    bad = ["x", "ü", "=", good[:-3], good[3:], good + "!", packed({}), packed([filters]), packed([["a"], "b", filters])]
    for token in bad:
        with pytest.raises(BadToken):
            decode(token, filters)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_bad_token(text: str) -> None:
    with pytest.raises(BadToken):
        decode(text, digest("x"))


def test_a_list_refuses_the_token_of_other_filters_orders_and_owners(store: Store) -> None:
    for name in "abc":
        store.create(job(name))
    where = Where(account=ACCOUNT, region=REGION)
    _, token = paginate(store, "job", where, limit=1)
    paginate(store, "job", where, limit=2, token=token)  # The size of a page may change.
    for kind, other, order, down in (
        ("other", where, "name", False),
        ("job", Where(account="9", region=REGION), "name", False),
        ("job", Where(account=ACCOUNT, region=REGION, phase="Done"), "name", False),
        ("job", where, "created", False),
        ("job", where, "name", True),
    ):
        with pytest.raises(BadToken):
            paginate(store, kind, other, order, down, token=token)  # type: ignore[arg-type]
