"""The home's certificate authority: whom it may speak for, who reads its key, and who accepts its word."""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clary.processes import certificates
from clary.processes.certificates import Leaves, authority, bundle, is_aws

HOSTS = (
    "sts.us-east-1.amazonaws.com",
    "s3.amazonaws.com",
    "bucket.s3.amazonaws.com",
    "bucket.with.dots.s3.eu-west-1.amazonaws.com",
    "runtime.sagemaker.cn-north-1.amazonaws.com.cn",
    "sagemaker.us-east-1.api.aws",
    "amazonaws.com",
    "STS.Amazonaws.COM",
    f"{'b' * 63}.s3.us-east-1.amazonaws.com",
)


def handshake(server: ssl.SSLContext, trusted: Path, host: str, strict: bool = True) -> str | None:
    """The TLS version, agreed in memory, of a client that trusts `trusted` alone and asks for `host`."""
    client = ssl.create_default_context(cafile=str(trusted))
    if strict:
        client.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(back, there, server_hostname=host)
    far = server.wrap_bio(there, back, server_side=True)
    for _ in range(3):
        for side in (near, far):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return near.version()


@pytest.mark.parametrize("host", HOSTS)
def test_strict_clients_accept_a_certificate_for_each_of_aws_s_names(tmp_path: Path, host: str) -> None:
    ca = authority(tmp_path / "authority")
    assert handshake(Leaves(ca.parent).context(host), ca, host) == "TLSv1.3"


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("amazonaws.com.evil.example", False),
        ("notamazonaws.com", False),
        ("aws.amazon.com", False),
        ("localhost", False),
        ("", False),
        ("s3.amazonaws.com.", True),
        ("x.api.aws", True),
    ],
)
def test_which_names_are_aws_s(tmp_path: Path, host: str, ours: bool) -> None:
    assert is_aws(host) is ours
    if not ours:
        authority(tmp_path / "authority")
        with pytest.raises(ValueError, match="none of AWS's names"):
            Leaves(tmp_path / "authority").context(host)


def test_the_authority_is_made_once_and_only_its_owner_reads_the_key(tmp_path: Path) -> None:
    first = authority(tmp_path / "home/authority")
    before = first.read_bytes()
    assert authority(tmp_path / "home/authority").read_bytes() == before
    assert (first.parent / "key.pem").stat().st_mode & 0o777 == 0o600
    assert first.parent.stat().st_mode & 0o777 == 0o700
    assert sorted(one.name for one in first.parent.iterdir()) == ["ca.pem", "key.pem"]
    assert [one.name for one in first.parent.parent.iterdir()] == ["authority"]


def test_a_stolen_key_is_good_for_aws_s_names_only(tmp_path: Path) -> None:
    ca = authority(tmp_path / "authority")
    issuer = x509.load_pem_x509_certificate(ca.read_bytes())
    constraints = issuer.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    key = serialization.load_pem_private_key((ca.parent / "key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    leaf = ec.generate_private_key(ec.SECP256R1())
    forged = (
        certificates._builder(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bank.example")]), issuer.subject, leaf.public_key(), 30
        )
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bank.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificates._private_pem(leaf) + forged.public_bytes(serialization.Encoding.PEM)
    (tmp_path / "forged.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "forged.pem")
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree"):
        handshake(context, ca, "bank.example", strict=False)


def test_one_certificate_serves_all_siblings_and_no_more_than_a_bound_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority(tmp_path / "authority")
    leaves = Leaves(tmp_path / "authority")
    one = leaves.context("a.s3.amazonaws.com")
    assert leaves.context("b.s3.amazonaws.com") is one
    assert leaves.context("a.s3.us-east-1.amazonaws.com") is not one
    monkeypatch.setattr(certificates, "LEAVES", 2)
    leaves.context("sts.amazonaws.com")
    leaves.context("sts.us-west-2.amazonaws.com")
    assert leaves.context("a.s3.amazonaws.com") is not one
    assert sorted(path.name for path in (tmp_path / "authority").iterdir()) == ["ca.pem", "key.pem"]


def test_an_authority_that_ends_soon_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "AUTHORITY_DAYS", 300)
    old = authority(tmp_path / "authority").read_bytes()
    monkeypatch.undo()
    renewed = authority(tmp_path / "authority")
    assert renewed.read_bytes() != old
    assert handshake(Leaves(renewed.parent).context("s3.amazonaws.com"), renewed, "s3.amazonaws.com")
    assert [one.name for one in tmp_path.iterdir()] == ["authority"]


async def test_of_many_who_come_first_one_wins_and_all_agree(tmp_path: Path) -> None:
    code = "import sys, pathlib, hashlib\nfrom clary.processes.certificates import authority\n"
    code += "sys.stdin.readline()\nprint(hashlib.sha256(authority(pathlib.Path(sys.argv[1])).read_bytes()).hexdigest())"
    command = [sys.executable, "-c", code, str(tmp_path / "authority")]
    made = [
        await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(6)
    ]
    said = await asyncio.gather(*(one.communicate(b"go\n") for one in made))
    assert len({out for out, _ in said}) == 1
    assert [one.name for one in tmp_path.iterdir()] == ["authority"]


def test_a_bundle_holds_each_certificate_once_and_keeps_its_name(tmp_path: Path) -> None:
    ca = authority(tmp_path / "authority")
    other = authority(tmp_path / "other").read_bytes()
    (tmp_path / "system.pem").write_bytes(b"# a comment\n" + other + b"\n" + other)
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory/also.crt").write_bytes(other)
    sources = [tmp_path / "system.pem", tmp_path / "directory"]
    made = bundle(ca.parent, sources)
    assert made.read_bytes().count(b"BEGIN CERTIFICATE") == 2
    assert bundle(ca.parent, [*sources, made]) == made
    context = ssl.create_default_context(cafile=str(made))
    assert len(context.get_ca_certs()) == 2
