"""What a model answers is no page of the server that hands it on."""

import pytest

from clary.engines.serving.answers import render_reply
from clary.engines.serving.base import Reply

DATE = b"date: Sun, 22 Nov 2026 10:00:00 GMT\r\n"


def head(kind: str) -> bytes:
    reply = Reply(200, {"content-type": kind}, b"<script>1</script>", "v")
    return render_reply(reply, "id", DATE, False).partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize("kind", ["text/html", "Text/HTML; charset=utf-8", "image/svg+xml", "*/*", "what/ever", ""])
def test_what_a_browser_might_run_is_kept_apart(kind: str) -> None:
    assert b"content-security-policy: sandbox" in head(kind)
    assert b"x-content-type-options: nosniff" in head(kind)


@pytest.mark.parametrize("kind", ["text/csv; charset=utf-8", "application/json", "application/jsonlines"])
def test_what_models_answer_nearly_always_is_as_short_as_before(kind: str) -> None:
    assert b"security" not in head(kind)
