"""Who asks at the Hadoop door.

Hadoop's client cannot sign as AWS's do. It can send one header of a name that its configuration chooses (meant against
forged requests of browsers), so the name itself carries the token:

    x-clary-token-<base32 of (32 bytes HMAC-SHA256 by the secret key, then what is said)>
    said: ["<access key id>", "<session token>", <epoch seconds, or null: as long as the session>]

The secret never travels, nothing of it stands in a path or a query, where logs would have it, and what the token may is
what its session may. `algorithms/etl/files.py` makes it.
"""

import base64
import binascii
import hmac
from typing import Final

import orjson

from clary.aws.credentials import Principal
from clary.aws.doors import Porch
from clary.aws.sigv4 import Refused

HEADER: Final = "x-clary-token-"
_PURPOSE: Final = b"clary hadoop door 1\0"


def caller(porch: Porch) -> Principal:
    """Raises Refused: there is no token, or it proves nothing, or not any more."""
    found = next((name for name in porch.request.headers if name.startswith(HEADER)), None)
    if found is None:
        raise Refused("missing", f"The request carries no header {HEADER}....")
    try:
        packed = found.removeprefix(HEADER).upper()
        raw = base64.b32decode(packed + "=" * (-len(packed) % 8))
        mac, said = raw[:32], raw[32:]
        access_key_id, session_token, until = orjson.loads(said)
        known = porch.known(str(access_key_id), str(session_token) or None)
        lapses = float("inf") if until is None else float(until)
    except (ValueError, TypeError, binascii.Error):
        raise Refused("malformed", f"The header {HEADER}... cannot be read.") from None
    if not hmac.compare_digest(hmac.digest(known.secret_access_key.encode(), _PURPOSE + said, "sha256"), mac):
        raise Refused("mismatch", "The token was not made with the secret of its access key.")
    if lapses <= porch.clock.now():
        raise Refused("expired-token", "The token has expired.")
    return known.principal
