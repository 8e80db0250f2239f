"""The home's own certificate authority, and the certificates it gives to AWS's host names on this machine.

It may speak for AWS's domains only (name constraints), so a stolen key is good for nothing else, and only programs that
were started by `clary run` trust it. `cryptography` is loaded when something has to be signed, not before.
"""

import datetime
import fcntl
import os
import shutil
import ssl
import sys
import tempfile
import time
from collections import OrderedDict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

DOMAINS: Final = ("amazonaws.com", "amazonaws.com.cn", "api.aws")
"""Where AWS's services answer; `api.aws` is their dual-stack name."""
AUTHORITY_DAYS: Final = 3650
LEAF_DAYS: Final = 397
RENEW_SECONDS: Final = 400 * 86400
"""An authority that ends sooner is made anew: no leaf may outlive it."""
LEAVES: Final = 256


def is_aws(host: str) -> bool:
    """True: the name belongs to AWS's services."""
    name = host.lower().rstrip(".")
    return name.endswith(tuple(f".{domain}" for domain in DOMAINS)) or name in DOMAINS


def authority(directory: Path) -> Path:
    """The authority's certificate, beside its key `key.pem`, which only its owner reads. Made now unless it was there.
    May be interrupted and repeated; of several programs that come first, one makes it for all."""
    certificate = directory / "ca.pem"
    if current(directory) is not None:
        return certificate
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = os.open(directory.parent, os.O_RDONLY | os.O_CLOEXEC)
    scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        if current(directory) is not None:
            return certificate
        made = scratch / "new"
        made.mkdir(mode=0o700)
        _make_authority(made)
        if directory.exists():
            # Key and certificate go together: after a crash right here there is none, and the next run makes one.
            directory.rename(scratch / "old")
        made.rename(directory)
    finally:
        os.close(held)
        shutil.rmtree(scratch, ignore_errors=True)
    return certificate


def current(directory: Path) -> Path | None:
    """The authority's certificate; None: there is none that lasts, so it has to be made."""
    certificate = directory / "ca.pem"
    return certificate if certificate.exists() and _lasts(certificate) else None


def _lasts(certificate: Path) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(certificate)
    except ssl.SSLError:
        return False
    ends = [str(one["notAfter"]) for one in context.get_ca_certs()]
    return bool(ends) and ssl.cert_time_to_seconds(ends[0]) - time.time() > RENEW_SECONDS


def _make_authority(directory: Path) -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Clary"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Clary on this machine {os.urandom(4).hex()}"),
        ]
    )
    constraints = x509.NameConstraints([x509.DNSName(domain) for domain in DOMAINS], None)
    made = (
        _builder(name, name, key.public_key(), AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    _write(directory / "key.pem", _private_pem(key))
    _write(directory / "ca.pem", _signed_pem(made, key))


class Leaves:
    """TLS contexts for AWS's host names, signed by the authority in `directory`; at most `LEAVES` are kept."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._contexts: OrderedDict[str, ssl.SSLContext] = OrderedDict()
        self._signer: tuple[Any, Any, Any] | None = None

    def context(self, host: str) -> ssl.SSLContext:
        """For `sts.us-east-1.amazonaws.com` and all its siblings one certificate. Raises ValueError for a name that is
        not AWS's."""
        if not is_aws(host):
            raise ValueError(f"{host} is none of AWS's names")
        name = host.lower().rstrip(".")
        parent = name.partition(".")[2]
        covers = name if name in DOMAINS else f"*.{parent}"
        found = self._contexts.get(covers)
        if found is None:
            found = self._contexts[covers] = self._make(covers)
            if len(self._contexts) > LEAVES:
                self._contexts.popitem(last=False)
        else:
            self._contexts.move_to_end(covers)
        return found

    def _make(self, covers: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        descriptor, path = tempfile.mkstemp(prefix=".leaf.", dir=self._directory)
        try:
            os.write(descriptor, self._pem(covers))
            context.load_cert_chain(path)
        finally:
            os.close(descriptor)
            Path(path).unlink()
        return context

    def _pem(self, covers: str) -> bytes:
        """Key and certificate. One key serves all leaves of a run; it is never kept."""
        from cryptography import x509
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

        if self._signer is None:
            issuer_key: Any = serialization.load_pem_private_key((self._directory / "key.pem").read_bytes(), None)
            issuer = x509.load_pem_x509_certificate((self._directory / "ca.pem").read_bytes())
            self._signer = issuer_key, issuer, ec.generate_private_key(ec.SECP256R1())
        issuer_key, issuer, key = self._signer
        issuer_public: Any = issuer.public_key()
        # A common name holds 64 characters, a host name 253; clients look at the alternative name alone.
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AWS, as Clary")])
        made = (
            _builder(subject, issuer.subject, key.public_key(), LEAF_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(covers)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_public), critical=False)
        )
        return _private_pem(key) + _signed_pem(made, issuer_key)


def bundle(directory: Path, sources: list[Path]) -> Path:
    """One file with every certificate of `sources` (files or directories of them) and the authority's: what a program
    trusts that may still speak to the rest of the world. Named by its content, so nobody ever reads half of one."""
    blocks: dict[bytes, None] = {}
    for source in [*sources, directory / "ca.pem"]:
        files = sorted([*source.glob("*.pem"), *source.glob("*.crt")]) if source.is_dir() else [source]
        for file in files:
            blocks.update(dict.fromkeys(_blocks(file.read_bytes())))
    text = b"\n".join(blocks) + b"\n"
    path = directory / f"bundle-{sha256(text).hexdigest()[:16]}.pem"
    if not path.exists():
        _write(path, text)
    return path


def _blocks(text: bytes) -> list[bytes]:
    begin, end = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"
    return [begin + part.partition(end)[0] + end for part in text.split(begin)[1:] if end in part]


def _write(path: Path, text: bytes) -> None:
    descriptor, scratch = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(scratch).rename(path)


def _builder(subject: Any, issuer: Any, key: Any, days: int) -> Any:
    from cryptography import x509

    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _usage(**allowed: bool) -> Any:
    from cryptography import x509

    all_of_them = "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
    all_of_them += " key_cert_sign crl_sign encipher_only decipher_only"
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in all_of_them.split()})


def _signed_pem(builder: Any, key: Any) -> bytes:
    from cryptography.hazmat.primitives import hashes, serialization

    made: bytes = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    return made


def _private_pem(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


if __name__ == "__main__":
    authority(Path(sys.argv[1]))
