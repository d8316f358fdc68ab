"""Who talks to a caller, and what the answer to an assistant-request makes of the call (vapi.md 2.3)."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from local.simulators.vapi import schema
from local.simulators.vapi.delivery import Reply
from local.simulators.vapi.state import Row, Store

DEFAULT_SERVER_MESSAGES = (
    "conversation-update",
    "end-of-call-report",
    "function-call",
    "hang",
    "speech-update",
    "status-update",
    "tool-calls",
    "transfer-destination-request",
    "handoff-destination-request",
    "user-interrupted",
    "assistant.started",
)
"""What Vapi sends when ``serverMessages`` is not set (vapi.md 2.2)."""

DEFAULT_MAX_DURATION_SECONDS = 600
UNSPECIFIED_ERROR = "Unknown Error. Contact Support."
"""What Vapi speaks when a server answers with an empty ``error`` (vapi.md 2.3)."""

_KINDS: tuple[Literal["assistant", "squad", "workflow"], ...] = ("assistant", "squad", "workflow")


class Unfit(Exception):
    """An answerer that Vapi cannot use; the text is the validator's."""


@dataclass(frozen=True)
class Answerer:
    """``keys`` are what names it on the call row; ``assistant`` is it with all overrides applied.

    Of a squad that is the member who talks, the first one at first; ``members`` are all.
    """

    kind: Literal["assistant", "squad", "workflow"]
    keys: Row
    assistant: Row
    members: tuple[Row, ...] = ()

    def handed_over(self) -> "Answerer":
        """The same when somebody with a tool talks: a squad hands the call over to its first member that has one."""
        able = (member for member in (self.assistant, *self.members) if _has_tools(member))
        return replace(self, assistant=next(able, self.assistant))

    @property
    def server(self) -> Row | None:
        """The assistant's own server, if it has one; it takes events away from the number's (vapi.md 0.4)."""
        server: Row = self.assistant.get("server") or {}
        return server if server.get("url") else None

    @property
    def max_duration_seconds(self) -> float:
        """After how long Vapi ends the call."""
        return float(self.assistant.get("maxDurationSeconds") or DEFAULT_MAX_DURATION_SECONDS)

    def hears(self, message: Mapping[str, Any]) -> bool:
        """Whether a message is among the assistant's ``serverMessages``."""
        wanted = self.assistant.get("serverMessages")
        wanted = DEFAULT_SERVER_MESSAGES if wanted is None else wanted
        if message["type"] == "transcript" and message["transcriptType"] == "final":
            return "transcript" in wanted or 'transcript[transcriptType="final"]' in wanted
        return message["type"] in wanted

    def tools(self, store: Store) -> Iterator[Row]:
        """The function tools in reach, inline ones first; a ``toolIds`` entry that is in no row gets a made-up name."""
        model: Row = self.assistant.get("model") or {}
        for tool in [*(model.get("tools") or []), *(self.assistant.get("tools:append") or [])]:
            if tool.get("type", "function") == "function" and "function" in tool:
                yield tool
        for tool_id in model.get("toolIds") or []:
            yield store.get("tool", tool_id) or {"type": "function", "function": {"name": f"tool_{tool_id[:8]}"}}


@dataclass(frozen=True)
class Verdict:
    """What becomes of a call: either ``answerer`` talks, or it ends with ``ended_reason``.

    ``by`` says who took it: assistant, squad, workflow, error, destination, fallbackDestination, hook or nobody.
    ``debugging`` is the message's ``inboundPhoneCallDebuggingArtifacts``.
    """

    by: str
    ended_reason: str = ""
    answerer: Answerer | None = None
    spoken: str | None = None
    destination: Row | None = None
    debugging: Row | None = None


def resolve(named: Mapping[str, Any], store: Store) -> Answerer | None:
    """The answerer that ``assistantId|assistant|squadId|squad|workflowId|workflow`` and the overrides name, or None.

    Raises ``Unfit`` for a schema error and for an id that does not exist. Workflows have no endpoint in Vapi's
    published API any more, so every well-formed ``workflowId`` is taken to exist.
    """
    keys = {key: value for key, value in named.items() if key in schema.ANSWERER_FIELDS and value is not None}
    _check(schema.shape(schema.ANSWERER_FIELDS), "", keys)
    for kind in _KINDS:
        if f"{kind}Id" not in keys and kind not in keys:
            continue
        base = keys.get(kind) or _existing(store, kind, keys[f"{kind}Id"])
        own = {key: value for key, value in keys.items() if key in (f"{kind}Id", kind, f"{kind}Overrides")}
        overrides = keys.get(f"{kind}Overrides") or {}
        if kind == "squad":
            members = tuple({**member, **overrides} for member in _members(base, store))
            return Answerer(kind, own, members[0], members)
        return Answerer(kind, own, {**_without_row_keys(base), **overrides})
    return None


def judge(reply: Reply, store: Store) -> Verdict:
    """What Vapi does with an answer to assistant-request.

    ``error`` overrides ``destination``, which overrides every assistant.
    """
    if not reply.ok:
        return _failed("assistant-request-failed", reply.failure or "no answer")
    try:
        answer = json.loads(reply.text)
    except ValueError as error:
        return _failed("assistant-request-failed", f"the answer is not JSON: {error}")
    if not isinstance(answer, dict):
        return _failed("assistant-request-failed", "the answer is not a JSON object")
    if answer.get("error") is not None:
        return _refused(answer["error"])
    return _handed_over(answer, store)


def _refused(error: Any) -> Verdict:
    debugging = {"error": error, "assistantRequestResponse": {"error": error}}
    if not isinstance(error, str):
        reason = "assistant-request-returned-unspeakable-error"
        return Verdict(by="error", ended_reason=reason, debugging=debugging)
    reason = "assistant-request-returned-error"
    return Verdict(by="error", ended_reason=reason, spoken=error or UNSPECIFIED_ERROR, debugging=debugging)


def _handed_over(answer: Row, store: Store) -> Verdict:
    destination = answer.get("destination")
    try:
        if destination is not None:
            _check(schema.DESTINATION, "destination", destination)
            reason = "assistant-request-returned-forwarding-phone-number"
            return Verdict(by="destination", ended_reason=reason, destination=destination)
        answerer = resolve(answer, store)
    except Unfit as error:
        return _failed("assistant-request-returned-invalid-assistant", str(error))
    if answerer is None:
        return _failed("assistant-request-returned-no-assistant", "the answer names no assistant, squad or workflow")
    return Verdict(by=answerer.kind, answerer=answerer)


def _failed(ended_reason: str, why: str) -> Verdict:
    debugging = {"error": "Couldn't Get Assistant.", "assistantRequestError": why}
    return Verdict(by="nobody", ended_reason=ended_reason, debugging=debugging)


def _check(check: schema.Check, path: str, value: Any) -> None:
    if complaints := check(path, value):
        raise Unfit(", ".join(complaints))


def _existing(store: Store, kind: str, row_id: str) -> Row:
    row = {} if kind == "workflow" else store.get(kind, row_id)
    if row is None:
        raise Unfit(f"Couldn't Get {kind.capitalize()}. `{kind}Id` {row_id} does not exist.")
    return row


def _members(squad: Row, store: Store) -> Iterator[Row]:
    """Each member with its own overrides, and over them the squad's for all."""
    if not squad.get("members"):
        raise Unfit("squad.members must contain at least 1 elements")
    for member in squad["members"]:
        assistant = member.get("assistant") or _existing(store, "assistant", str(member.get("assistantId")))
        overrides = {**(member.get("assistantOverrides") or {}), **(squad.get("membersOverrides") or {})}
        yield {**_without_row_keys(assistant), **overrides}


def _has_tools(assistant: Row) -> bool:
    model: Row = assistant.get("model") or {}
    return bool(model.get("tools") or model.get("toolIds") or assistant.get("tools:append"))


def _without_row_keys(row: Row) -> Row:
    return {key: value for key, value in row.items() if key not in ("id", "orgId", "createdAt", "updatedAt")}
