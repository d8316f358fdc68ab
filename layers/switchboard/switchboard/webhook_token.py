"""How Vapi proves itself to us: a token per number in the server URL's headers, derived from one rotating key.

`<business>.<mac>`: the token names the business, so that the call plane knows every key it reads, and the MAC over
number and business shows that we made it. The current and the previous key are good, so a rotation cuts nobody off.
"""

import hashlib
import hmac
from collections.abc import Mapping

TOKEN_HEADER = "X-Switchboard-Token"  # noqa: S105 - the header's name
"""`Authorization` stays free for a credential that the organisation may have set at Vapi."""


def make_token(keys: Mapping[str, str], number_id: str, business: str) -> str:
    """The number's token under the current key. keys: {"current": ..., "previous"?: ...}."""
    return f"{business}.{_mac(keys['current'], number_id, business)}"


def business_of_token(keys: Mapping[str, str], number_id: str, token: str) -> str | None:
    """The business that the token names, or None if it is not a token of this number. Takes the same time for any."""
    business, _, mac = token.rpartition(".")
    good = [
        hmac.compare_digest(_mac(keys[name], number_id, business).encode(), mac.encode())
        for name in ("current", "previous")
        if keys.get(name)
    ]
    return business if business and any(good) else None


def _mac(key: str, number_id: str, business: str) -> str:
    return hmac.new(key.encode(), f"{number_id}\n{business}".encode(), hashlib.sha256).hexdigest()
