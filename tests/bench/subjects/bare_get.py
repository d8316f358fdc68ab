"""(a) A bare boto3 handler of reading a number: the same requests as `functions/get` and nothing else."""

import json
from typing import Any

from tests.bench.subjects.same_requests import answers


def lambda_handler(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    (item,) = (answer["Item"] for answer in answers() if "revision" in answer.get("Item", {}))
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(item)}
