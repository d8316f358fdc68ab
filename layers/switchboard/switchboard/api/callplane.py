"""The call plane: what Vapi asks and tells about the calls of a number. Loads neither pydantic nor the HTTP resolver.

Every message that proves to be Vapi's is answered 200, whatever its type: an error would make Vapi send it again.
"""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from switchboard.calls.kinds import Kind
from switchboard.calls.messages import AssistantRequest, Fact, NotVapis, read_message
from switchboard.routing.answer import answer
from switchboard.routing.decide import Decision, decide
from switchboard.routing.number import IncomingCall, number_from_item
from switchboard.store.calls import calls, number_item
from switchboard.store.dynamo import table
from switchboard.store.secrets import RECHECK_SECONDS, secret
from switchboard.webhook_token import TOKEN_HEADER, business_of_token

logger = Logger()
metrics = Metrics()


def handle(event: Mapping[str, Any]) -> dict[str, Any]:
    """The HTTP answer to one server message (an HTTP API event of payload format 2.0).

    401 wrong or missing token, 404 no such number, 400 not a message of Vapi's, else 200.
    """
    number_id = event["pathParameters"]["id"]
    logger.append_keys(numberId=number_id)
    business = _authenticated(number_id, event.get("headers") or {})
    if business is None:
        if number_item(table(), number_id) is None:
            return _http(404, {"message": "There is no such number."})
        metrics.add_metric("WebhookRejected", MetricUnit.Count, 1)
        logger.warning("webhook rejected: wrong or missing token")
        return _http(401, {"message": "The token is missing or wrong."})
    try:
        message = read_message(_body(event), int(time.time() * 1000))
    except (NotVapis, ValueError, RecursionError):  # the latter two: no JSON, or JSON too deep to be read
        return _http(400, {"message": "The body is not a server message of Vapi's."})
    if isinstance(message, AssistantRequest):
        return _who_answers(number_id, business, message)
    if isinstance(message, Fact):
        written = calls().record(number_id, business, message)
        logger.info("message", kind=message.kind, callId=message.call_id, written=written)
    return _http(200, {})


def _who_answers(number_id: str, business: str, request: AssistantRequest) -> dict[str, Any]:
    item = number_item(table(), number_id)
    if item is None or item["business"] != business:
        return _http(404, {"message": "There is no such number."})
    number = number_from_item(item)
    decision = decide(number, IncomingCall(request.call_id, request.caller), request.at // 1000)
    facts = request.facts | _kept(decision)
    if number.phone_number is not None:
        facts["ours"] = number.phone_number
    calls().record(number_id, business, Fact(request.call_id, Kind.DECISION, request.at, facts))
    logger.info("decided", callId=request.call_id, action=decision.action, reason=decision.reason)
    return _http(200, answer(decision, number))


def _authenticated(number_id: str, headers: Mapping[str, str]) -> str | None:
    token = headers.get(TOKEN_HEADER.lower()) or ""
    keys = secret("WEBHOOK_SECRET_ARN")
    business = business_of_token(keys, number_id, token)
    if business is None and token:
        # The key may have been rotated since this instance read it.
        business = business_of_token(secret("WEBHOOK_SECRET_ARN", older_than=RECHECK_SECONDS), number_id, token)
    return business


def _kept(decision: Decision) -> dict[str, Any]:
    """The decision as the call's record keeps it: without what is absent, the trace as short as it goes."""
    kept = {name: value for name, value in asdict(decision).items() if value not in (None, (), [])}
    kept["trace"] = [
        {name: value for name, value in step.items() if value is not None} for step in kept.get("trace", ())
    ]
    return kept


def _body(event: Mapping[str, Any]) -> Any:
    raw = event.get("body") or ""
    return json.loads(base64.b64decode(raw) if event.get("isBase64Encoded") else raw)


def _http(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
