"""What leaves this machine's services: signatures, mail, and which addresses may be sent to."""

import asyncio
import email
from contextlib import closing
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from clary.engines.web import signer
from clary.engines.web.mail import MailDirectory
from clary.engines.web.posts import WebPosts
from clary.engines.web.signer import HomeSigner
from clary.kernel.web import WebRefused
from tests.crash.harness import crashes


async def test_a_signature_is_verified_by_the_certificate(tmp_path: Path) -> None:
    one = HomeSigner(tmp_path / "signing")
    signature = await one.sign(b"text", "SHA256")
    name, pem = await one.certificate()
    key: Any = x509.load_pem_x509_certificate(pem).public_key()
    key.verify(signature, b"text", padding.PKCS1v15(), hashes.SHA256())
    again = HomeSigner(tmp_path / "signing")
    assert await again.certificate() == (name, pem)
    assert await again.sign(b"text", "SHA256") == signature
    assert b"PRIVATE" not in pem
    assert [path.stat().st_mode & 0o777 for path in (tmp_path / "signing").iterdir()] == [0o600]


async def _make(directory: Path) -> None:
    await HomeSigner(directory / "signing").certificate()


@pytest.mark.slow
def test_a_key_is_whole_or_not_there(tmp_path: Path) -> None:
    for crash in crashes(_make, tmp_path, lines_of=[signer], step=4, fresh=True):
        name, _ = asyncio.run(HomeSigner(crash.directory / "signing").certificate())
        assert name


async def test_mail_is_a_file_that_anybody_can_read_who_may(tmp_path: Path) -> None:
    box = MailDirectory(tmp_path / "outbox")
    link = f"http://127.0.0.1/?Token={'0' * 300}"
    headers = {"To": "me@example.com", "Subject": "Grüße"}
    await box.put("one", headers, f"Hällo\n{link}\n")
    await box.put("one", headers, f"Hällo again\n{link}\n")
    (path,) = (tmp_path / "outbox").iterdir()
    assert (path.name, path.stat().st_mode & 0o777) == ("one.eml", 0o600)
    assert link in path.read_text()  # in one piece
    message = email.message_from_bytes(path.read_bytes(), policy=default)
    assert (message["Subject"], message.get_content().splitlines()[0]) == ("Grüße", "Hällo again")
    await box.put("long", headers, "x" * 2000)
    long = email.message_from_bytes((tmp_path / "outbox/long.eml").read_bytes(), policy=default)
    assert long.get_content().strip() == "x" * 2000


async def test_a_subject_cannot_bring_headers_along(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="linefeed"):
        await MailDirectory(tmp_path).put("bad", {"Subject": "a\nBcc: b@c"}, "text")


@pytest.mark.parametrize(
    "url",
    [
        "http://192.0.2.1/",
        "http://127.0.0.1:99999/",
        "http:///hook",
        "http://[::1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
    ],
)
async def test_addresses_to_which_nothing_is_sent(url: str) -> None:
    with closing(WebPosts()) as posts, pytest.raises(WebRefused):
        await posts.check(url)


async def test_addresses_to_which_something_is_sent() -> None:
    with closing(WebPosts()) as posts:
        await posts.check("http://127.0.0.1:9000/hook")
        await posts.check("https://[::1]/hook")
        await posts.check("http://user:password@localhost/")
    with closing(WebPosts("any")) as posts:
        await posts.check("http://192.0.2.1/")
