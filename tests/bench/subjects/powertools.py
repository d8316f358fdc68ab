"""(c) A Powertools resolver with validation: the same two requests."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from tests.bench.subjects.same_requests import answer_to_the_call
from tests.bench.subjects.shapes import Answer, ServerMessage

app = APIGatewayHttpResolver(enable_validation=True)


@app.post("/vapi/<number_id>")
def answer(number_id: str, body: ServerMessage) -> Answer:
    assert number_id
    assert body.message.type == "assistant-request"
    return Answer(**answer_to_the_call())


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return app.resolve(event, context)
