"""The requests that our handler was seen to make, by plain boto3: what any way of doing the same has to pay."""

import json
import os
from typing import Any

import boto3

client = boto3.client("dynamodb")
with open(os.environ["BENCH_REQUESTS"]) as file:  # noqa: PTH123 - pathlib would be loaded for every subject
    REQUESTS = [(getattr(client, method), parameters) for method, parameters in json.load(file)]


def answers() -> list[Any]:
    """What the table says, request by request."""
    return [request(**parameters) for request, parameters in REQUESTS]


def answer_to_the_call() -> dict[str, Any]:
    """The assistant of the number that was read."""
    ((number,), *_) = answers()[0]["Responses"].values()
    return {"assistantId": number["assistant"]["M"]["id"]["S"]}
