"""What the role of a page is called."""

from hashlib import sha256

import pytest

from clary.app_roles import grant, role_arn, role_name


@pytest.mark.parametrize("endpoint", ["a", "cars", "a" * 60])
def test_short_names_are_kept(endpoint: str) -> None:
    assert role_name(endpoint) == f"app-{endpoint}"


def test_long_names_are_cut_and_told_apart() -> None:
    first, second = "a" * 61, "a" * 62
    assert role_name(first) == f"app-{'a' * 47}-{sha256(first.encode()).hexdigest()[:12]}"
    assert len(role_name(first)) == len(role_name(second)) == 64 and role_name(first) != role_name(second)
    assert role_arn("1", "cars") == "arn:aws:iam::1:role/apps/app-cars"


def test_a_grant_is_of_one_endpoint_and_one_object() -> None:
    assert "s3:GetObject" not in grant("arn:e", None)
    assert '"arn:aws:s3:::lake/apps/cars/page.json"' in grant("arn:e", "s3://lake/apps/cars/page.json")
