"""Telephone calls by the Vapi simulator, and how they went in words."""

import json
from collections import Counter
from typing import Any

import httpx

from local.paths import STACK_FILE

ANSWER_WIDTH = 100


class CannotRing(Exception):
    """There is no running stack, or no such number on it."""


def ring(vapi_url: str, caller: str, called: str, behaviour: str = "talk") -> dict[str, Any]:
    """Lets somebody call a number; gives the dialogue between Vapi and our server URL, as the simulator tells it.

    `{from, to, asked, answered, messages, outcome}`; `behaviour` is what the caller does: `talk` or
    `hang-up-before-answer`. Raises CannotRing when the number is not there or not active.
    """
    answer = httpx.post(
        f"{vapi_url}/_simulator/ring", json={"from": caller, "to": called, "behaviour": behaviour}, timeout=60
    )
    if answer.is_error:
        raise CannotRing(f"Nobody can call {called}: {answer.text}")
    dialogue: dict[str, Any] = answer.json()
    return dialogue


def ring_running_stack(caller: str, called: str) -> None:
    """Rings a number of the stack that `make local` keeps running, and prints the dialogue."""
    if not STACK_FILE.exists():
        raise CannotRing("No local stack is running: start one with `make local`, in another terminal.")
    stack = json.loads(STACK_FILE.read_text())
    print("\n".join(in_words(ring(stack["vapiUrl"], caller, called))))


def in_words(dialogue: dict[str, Any]) -> list[str]:
    """Four lines: what Vapi asked us, what we answered, which messages followed, how the call ended."""
    asked, answered, outcome = dialogue["asked"], dialogue["answered"], dialogue["outcome"]
    told = [message for message in dialogue["messages"] if message["deliveredTo"]]
    kinds = Counter(": ".join(filter(None, (message["type"], message.get("status")))) for message in told)
    lines = [
        f"{dialogue['from']} calls {dialogue['to']}",
        f"  asked     {'who answers? (assistant-request)' if asked else 'nothing'}",
    ]
    if answered:
        body = json.dumps(answered["body"])
        short = body if len(body) <= ANSWER_WIDTH else f"{body[:ANSWER_WIDTH]}..."
        lines.append(f"  answered  {answered['status']} in {answered['millis']:.0f} ms: {short}")
    lines.append(
        f"  messages  {', '.join(f'{kind} (x{count})' if count > 1 else kind for kind, count in kinds.items())}"
    )
    lines.append(
        f"  outcome   {outcome['status']}, {outcome['endedReason']}; answered by {outcome['answeredBy']},"
        f" {outcome['seconds']:.0f} s"
    )
    return lines
