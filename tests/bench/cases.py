"""What is measured: one active number whose calls an assistant answers, and what Vapi says of one call to it."""

import json
from typing import Any

from local.paths import REPOSITORY
from switchboard.model.number import PhoneNumberRequest, VapiAssistant
from switchboard.model.record import AssistantProfile, NumberFacts, NumberRecord
from switchboard.routing.number import Number, number_from_item
from switchboard.store.dynamo import wire
from switchboard.store.numbers import _item
from switchboard.webhook_token import TOKEN_HEADER, make_token

AT = 1785862800
NUMBER_ID = "pn_01K9Z3V7Q8M4X2C6B5N1T0R8WD"
KEYS = {"current": "current-key", "previous": "previous-key"}
CALLER = "+12025550123"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "BUSINESS_CLAIM": "",
    "CALL_RETENTION_DAYS": "36500",
    "DOWNLOAD_ROLE_ARN": "arn:aws:iam::123456789012:role/download",
    "EVENT_BUS_NAME": "bus",
    "EXPORTS_BUCKET_NAME": "bucket",
    "EXPORTS_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/exports",
    "CURRENCY": "USD",
    "CURRENCY_RATES": "",
    "HOME_COUNTRY": "US",
    "TIME_ZONE": "UTC",
    "POWERTOOLS_METRICS_NAMESPACE": "Switchboard",
    "POWERTOOLS_SERVICE_NAME": "switchboard",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "PUBLIC_BASE_URL": "https://switchboard.example",
    "TABLE_NAME": "table",
    "WEBHOOK_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:webhook",
}

NOTHING_COUNTED = {"BatchGetItem": {"Responses": {"table": []}, "UnprocessedKeys": {}}}
"""What AWS says of the counters of a number that nobody has called yet."""


def record(**wanted: Any) -> NumberRecord:
    """An active number."""
    assistant = VapiAssistant(id="5f0d7f5e-0000-4000-8000-0000000a5515")
    request = PhoneNumberRequest.model_validate(
        {"provider": "vapi", "name": "Front desk", "assistant": assistant.model_dump(mode="json"), **wanted}
    )
    requested = NumberRecord.requested(
        request,
        number_id=NUMBER_ID,
        business="acme",
        server_url=f"https://switchboard.example/vapi/{NUMBER_ID}",
        attempt="attempt-1",
        webhook_secret="whsec_EXAMPLE",
        assistant=assistant,
        profile=AssistantProfile(),
        at=AT,
    )
    facts = NumberFacts(type="local", country="US", region="CA", city="San Francisco", area_code="415")
    return requested.purchased("vapi-1", AT + 1).activated("+14155550100", facts, AT + 2)


def compiled(**wanted: Any) -> Number:
    """An active number as a decision sees it."""
    return number_from_item(_item(record(**wanted)))


def answers(**wanted: Any) -> dict[str, Any]:
    """What AWS says, always."""
    item = wire(_item(record(**wanted)))
    client = {"PK": {"S": "CLIENT#client"}, "SK": {"S": "CLIENT"}, "business": {"S": "acme"}}
    return {
        "BatchGetItem": {"Responses": {"table": [item]}, "UnprocessedKeys": {}},
        "UpdateItem": {},
        "GetItem": {"NUMBER": {"Item": item}, "CLIENT": {"Item": client}},
        "GetSecretValue": {"Name": "webhook", "SecretString": json.dumps(KEYS)},
    }


def told(sample: str) -> dict[str, Any]:
    """The event (payload format 2.0) of one of Vapi's messages."""
    body = (REPOSITORY / "events" / "vapi" / f"{sample}.json").read_text()
    return _event("POST", f"/vapi/{NUMBER_ID}") | {
        "body": json.dumps(json.loads(body)),
        "headers": {
            "content-type": "application/json",
            TOKEN_HEADER.lower(): make_token(KEYS, NUMBER_ID, "acme"),
            "host": "api.execute-api.us-east-1.amazonaws.com",
        },
    }


def asked_for() -> dict[str, Any]:
    """The event of reading the number."""
    event = _event("GET", f"/phone-numbers/{NUMBER_ID}")
    event["requestContext"]["authorizer"] = {"jwt": {"claims": {"client_id": "client"}, "scopes": None}}
    return event


def _event(method: str, path: str) -> dict[str, Any]:
    return {
        "version": "2.0",
        "routeKey": f"{method} {path.replace(NUMBER_ID, '{id}')}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "api.execute-api.us-east-1.amazonaws.com"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "domainName": "api.execute-api.us-east-1.amazonaws.com",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "v"},
            "requestId": "request",
            "routeKey": f"{method} {path.replace(NUMBER_ID, '{id}')}",
            "stage": "$default",
            "time": "04/Aug/2026:17:00:00 +0000",
            "timeEpoch": 1785862800000,
        },
        "pathParameters": {"id": NUMBER_ID},
        "isBase64Encoded": False,
    }
