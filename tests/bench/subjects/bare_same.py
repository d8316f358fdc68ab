"""(a') A bare boto3 handler of a decision that makes our very requests, to the byte, and nothing else."""

import json
from typing import Any

from tests.bench.subjects.same_requests import answer_to_the_call


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    assert json.loads(event["body"])["message"]["type"] == "assistant-request"
    body = json.dumps(answer_to_the_call())
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}
