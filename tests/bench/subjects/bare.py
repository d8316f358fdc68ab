"""(a) A bare boto3 handler as one writes it by hand: one BatchGetItem of the same keys, one small UpdateItem."""

import json
import os
from typing import Any

import boto3

client = boto3.client("dynamodb")
TABLE = os.environ["TABLE_NAME"]


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    message = json.loads(event["body"])["message"]
    number_id = event["pathParameters"]["id"]
    of_number = f"NUMBER#{number_id}"
    caller = message["customer"]["number"]
    hour = message["timestamp"] // 3_600_000
    keys = [
        (of_number, "NUMBER"),
        (of_number, "LINES"),
        (of_number, "HOLDS"),
        (of_number, f"BLOCK#{caller}"),
        (of_number, f"ALLOW#{caller}"),
        *((f"BUSINESS#acme#CALLER#{caller}", f"WINDOW#{hour - back}") for back in range(3)),
    ]
    wanted = {TABLE: {"Keys": [{"PK": {"S": pk}, "SK": {"S": sk}} for pk, sk in keys]}}
    items = client.batch_get_item(RequestItems=wanted)["Responses"][TABLE]
    number = next(item for item in items if item["SK"]["S"] == "NUMBER")
    assistant_id = number["assistant"]["M"]["id"]["S"]
    client.update_item(
        TableName=TABLE,
        Key={"PK": {"S": of_number}, "SK": {"S": f"CALL#{message['call']['id']}"}},
        UpdateExpression="SET assistantId = :assistant, caller = :caller, decidedAt = :at",
        ConditionExpression="attribute_not_exists(decidedAt)",
        ExpressionAttributeValues={
            ":assistant": {"S": assistant_id},
            ":caller": {"S": caller},
            ":at": {"N": str(message["timestamp"])},
        },
    )
    body = json.dumps({"assistantId": assistant_id})
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}
