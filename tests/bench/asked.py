"""What events ask of AWS, counted by the SDK's own events on the real handler.

python -m tests.bench.asked APP EVENT...   handles each event in turn and tells on stderr, as JSON, for each of them the
requests: [method, parameters, capacity units]. Capacity is reckoned by DynamoDB's rules from what is sent: an
eventually consistent read takes 0.5 for each key (items of at most 4 KB), a write 1 for each KB of its item.
"""

import json
import sys
from math import ceil
from pathlib import Path
from typing import Any

from botocore import xform_name

from switchboard.store import sdk
from tests.bench.measure import Context, loaded

_seen: list[list[Any]] = []
_records: dict[str, dict[str, Any]] = {}
"""What was written so far, by sort key, in the table's types."""


def size(value: dict[str, Any]) -> int:
    """Bytes of a value as DynamoDB reckons them, at most."""
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return len(held) // 2 + 2
        case "M":
            return 3 + sum(1 + len(name.encode()) + size(each) for name, each in held.items())
        case "L":
            return 3 + sum(1 + size(each) for each in held)
    return 1


def note(params: dict[str, Any], model: Any, **_: Any) -> None:
    """Takes down a request as it goes out."""
    units: float = 0
    if model.name == "BatchGetItem":
        units = 0.5 * sum(len(asked["Keys"]) for asked in params["RequestItems"].values())
    elif model.name == "UpdateItem":
        record = _records.setdefault(params["Key"]["SK"]["S"], dict(params["Key"]))
        kind = params.get("ExpressionAttributeNames", {}).get("#kind", "")
        record.update({kind + name: value for name, value in params["ExpressionAttributeValues"].items()})
        units = ceil(size({"M": record}) / 1024)
    _seen.append([xform_name(model.name), params, units])


def main(app: str, *events: str) -> None:
    sdk.session().register("before-parameter-build", note)
    handler = loaded(app).lambda_handler
    told = []
    for event in events:
        _seen.clear()
        assert handler(json.loads(Path(event).read_text()), Context())["statusCode"] == 200
        told.append(list(_seen))
    sys.stderr.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
