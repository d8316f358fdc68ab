"""(b) FastAPI behind Mangum: the same two requests, with validation."""

from fastapi import FastAPI
from mangum import Mangum

from tests.bench.subjects.same_requests import answer_to_the_call
from tests.bench.subjects.shapes import Answer, ServerMessage

app = FastAPI()


@app.post("/vapi/{number_id}")
async def answer(number_id: str, body: ServerMessage) -> Answer:
    assert number_id
    assert body.message.type == "assistant-request"
    return Answer(**answer_to_the_call())


lambda_handler = Mangum(app, lifespan="off")
