"""The call plane: what Vapi asks and tells about the calls of a number. Loads neither pydantic nor the HTTP resolver.

Every message that proves to be Vapi's is answered 200, whatever its type: an error would make Vapi send it again. The
exceptions are a call that nobody here can decide (500 at once makes Vapi take the number's fallbackDestination) and a
report whose transcript cannot be kept, which is to come again.
"""

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from switchboard.calls.kinds import Kind
from switchboard.calls.messages import AssistantRequest, Fact, NotVapis, read_message
from switchboard.incoming import call_view
from switchboard.routing.answer import account, answer, longest_seconds
from switchboard.routing.caller import caller_of
from switchboard.routing.decide import AT_VAPI, Decision, decide
from switchboard.routing.number import IncomingCall, Number
from switchboard.store.calls import Seen, answering_calls, calls, number_exists
from switchboard.store.dynamo import Deadline, answer_deadline, table
from switchboard.store.known import known_number, remembered
from switchboard.store.lines import LONGEST_CALL_SECONDS, MARGIN_SECONDS, Line, answering_lines
from switchboard.store.sdk import BucketUnavailable
from switchboard.store.secrets import RECHECK_SECONDS, SecretUnavailable, make_client, secret
from switchboard.webhook_token import TOKEN_HEADER, business_of_token

logger = Logger()
metrics = Metrics()


def handle(event: Mapping[str, Any]) -> dict[str, Any]:
    """The HTTP answer to one server message (an HTTP API event of payload format 2.0).

    401 wrong or missing token, 404 no such number, 400 not a message of Vapi's, 500 nothing is known of the number and
    the table or the webhook key cannot be read, or what was said cannot be kept, else 200.
    """
    arrived = time.monotonic()
    number_id = event["pathParameters"]["id"]
    _make_clients()
    deadline = answer_deadline(arrived, time.monotonic())
    logger.append_keys(numberId=number_id)
    try:
        business = _authenticated(number_id, event.get("headers") or {}, deadline)
    except SecretUnavailable:
        return _nobody_answers()
    if business is None:
        if not number_exists(table(), number_id):
            return _http(404, {"message": "There is no such number."})
        metrics.add_metric("WebhookRejected", MetricUnit.Count, 1)
        logger.warning("webhook rejected: wrong or missing token")
        return _http(401, {"message": "The token is missing or wrong."})
    try:
        message = read_message(_body(event), int(time.time() * 1000))
    except (NotVapis, ValueError, RecursionError):  # the latter two: no JSON, or JSON too deep to be read
        return _http(400, {"message": "The body is not a server message of Vapi's."})
    if isinstance(message, AssistantRequest):
        return _who_answers(number_id, business, message, deadline)
    return _noted(number_id, business, message) if isinstance(message, Fact) else _http(200, {})


def _noted(number_id: str, business: str, fact: Fact) -> dict[str, Any]:
    """Writes what a message says. Vapi sends it again if what was said cannot be kept; its call list has it too."""
    try:
        written = calls().record(number_id, business, fact)
    except BucketUnavailable:
        logger.exception("what was said could not be kept", callId=fact.call_id)
        metrics.add_metric("TranscriptDelayed", MetricUnit.Count, 1)
        return _http(500, {"message": "What was said could not be kept at the moment."})
    logger.info("message", kind=fact.kind, callId=fact.call_id, written=written)
    return _http(200, {})


def _who_answers(number_id: str, business: str, request: AssistantRequest, deadline: Deadline) -> dict[str, Any]:
    """Decides by the table, or by what this instance last saw of the number."""
    at = request.at // 1000
    number = remembered(number_id, business)
    call = IncomingCall(request.call_id, request.caller)
    has_lines = False
    try:
        e164 = caller_of(request.caller).e164
        seen = answering_calls().read_for_decision(number_id, business, e164, at, deadline)
        if seen.number is None or (found := known_number(seen.number)).business != business:
            return _http(404, {"message": "There is no such number."})
        number, has_lines = found, seen.lines is not None
        call = call_view(number, request.call_id, request.caller, seen)
        decision = _with_a_line(number, call, at, seen, deadline)
    except Exception:  # the one catch-all: whatever has failed, somebody waits on the telephone
        if number is None:
            logger.exception("this instance has not seen the number before: Vapi takes its fallback")
            return _nobody_answers()
        logger.exception("decided by what was last seen of the number")
        metrics.add_metric("LastKnownGood", MetricUnit.Count, 1)
        decision = decide(number, call, at)
    has_lines = has_lines or number.max_concurrent_calls is not None
    _keep(number, request, decision, deadline, has_lines=has_lines)
    logger.info("decided", callId=request.call_id, action=decision.action, reason=decision.reason)
    return _http(200, answer(decision, number))


def _with_a_line(number: Number, call: IncomingCall, at: int, seen: Seen, deadline: Deadline) -> Decision:
    """The decision, for which a line is taken if it needs one; decided again without one where all are in use.

    Lines run by our own clock and not by the message's: they are taken, compared and shown by it.
    """
    decision = decide(number, call, at)
    most = number.max_concurrent_calls
    if most is None or decision.action not in AT_VAPI:
        return decision
    now = int(time.time())
    until = now + (longest_seconds(decision, number) or LONGEST_CALL_SECONDS) + MARGIN_SECONDS
    line = Line(call.id, now, until, call.caller)
    if answering_lines().take(number.id, line, most, seen.lines, deadline):
        return decision
    return decide(number, replace(call, line_free=False), at)


def _keep(
    number: Number, request: AssistantRequest, decision: Decision, deadline: Deadline, *, has_lines: bool
) -> None:
    """Writes the decision into the call's record. The caller does not wait for a table that fails.

    On a number that has lines any call may hold one, whatever is decided: it may have taken it unheard, or have been
    asked about before.
    """
    facts = request.facts | account(decision)
    if number.phone_number is not None:
        facts["ours"] = number.phone_number
    if has_lines:
        facts["line"] = True
    fact = Fact(request.call_id, Kind.DECISION, request.at, facts)
    if not answering_calls().record_in_time(number.id, number.business, fact, deadline):
        logger.warning("the decision could not be written", callId=request.call_id)
        metrics.add_metric("DecisionLost", MetricUnit.Count, 1)


def _nobody_answers() -> dict[str, Any]:
    metrics.add_metric("NoAnswer", MetricUnit.Count, 1)
    return _http(500, {"message": "Nothing is known of the number at the moment."})


def _make_clients() -> None:
    """Of a new instance, before it asks for anything: so it is known what its start has left of the time."""
    make_client()
    answering_calls()


def _authenticated(number_id: str, headers: Mapping[str, str], deadline: Deadline) -> str | None:
    token = headers.get(TOKEN_HEADER.lower()) or ""
    keys = secret("WEBHOOK_SECRET_ARN", deadline=deadline)
    business = business_of_token(keys, number_id, token)
    if business is None and token:
        # The key may have been rotated since this instance read it.
        business = business_of_token(
            secret("WEBHOOK_SECRET_ARN", older_than=RECHECK_SECONDS, deadline=deadline), number_id, token
        )
    return business


def _body(event: Mapping[str, Any]) -> Any:
    raw = event.get("body") or ""
    return json.loads(base64.b64decode(raw) if event.get("isBase64Encoded") else raw)


def _http(status: int, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"Content-Type": "application/json"}, "body": json.dumps(body)}
