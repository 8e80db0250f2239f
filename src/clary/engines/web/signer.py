"""The key by which a home signs, and its certificate: made at the first use, kept in one directory."""

import asyncio
import datetime
import os
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Literal

_DAYS: Final = 3650


class HomeSigner:
    """engines.web.base.Signer over `directory`, which only its owner reads. `cryptography` is loaded with the first
    signature, not before."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key: Any = None
        self._pem = b""
        self._making = asyncio.Lock()

    async def sign(self, text: bytes, digest: Literal["SHA1", "SHA256"]) -> bytes:
        await self._made()
        return await asyncio.to_thread(self._signed, text, digest)  # a millisecond, outside of Python's lock

    async def certificate(self) -> tuple[str, bytes]:
        await self._made()
        return blake2b(self._pem, digest_size=16).hexdigest(), self._pem

    async def _made(self) -> None:
        async with self._making:
            if self._key is None:
                self._key, self._pem = await asyncio.to_thread(_load_or_make, self._directory)

    def _signed(self, text: bytes, digest: str) -> bytes:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import padding

        chosen = hashes.SHA1() if digest == "SHA1" else hashes.SHA256()
        signed: bytes = self._key.sign(text, padding.PKCS1v15(), chosen)
        return signed


def _load_or_make(directory: Path) -> tuple[Any, bytes]:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = directory / "notifications.pem"
    if not path.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, _make())
    # Key and certificate are one file: after any crash there are both or none.
    key_pem, mark, rest = path.read_bytes().partition(b"-----BEGIN CERTIFICATE-----")
    return load_pem_private_key(key_pem, None), mark + rest


def _make() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.x509.oid import NameOID

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com of a Clary")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, text: bytes) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    scratch.rename(path)
