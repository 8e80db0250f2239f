"""Experiments over boto3, and a bus whose subscribers hear when the test says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from clary.services import sagemaker
from tests.iam_house import iam_house
from tests.inprocess import InProcess

HERE = "arn:aws:sagemaker:us-east-1:123456789012"


@contextmanager
def experiments_house(tmp_path: Path) -> Iterator[InProcess]:
    with iam_house(tmp_path, [sagemaker.service]) as made:
        yield made


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    """(code, message)."""
    with pytest.raises(ClientError) as refused:
        call(**request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]
