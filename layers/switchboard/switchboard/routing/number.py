"""A number as the decision sees it: plain data, read from the stored item without pydantic."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answerer:
    """An assistant, squad or workflow at Vapi, and what of it the answer must respect.

    own_server: it has a server of its own, to which its messages and tool calls go.
    server_messages: its own list, None for Vapi's default.
    """

    id: str
    type: str
    own_server: bool = False
    server_messages: tuple[str, ...] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    artifact_plan: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Number:
    id: str
    business: str
    phone_number: str | None
    status: str
    direction: str
    answerer: Answerer | None = None
    forwarding_enabled: bool = False
    forwarding_number: str | None = None
    reject_message: str | None = None
    max_duration_seconds: int | None = None
    recording_enabled: bool | None = None
    transcription_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """caller: as Vapi gives it, which need not be E.164; None where it gives none."""

    id: str
    caller: str | None


def number_from_item(item: Mapping[str, Any]) -> Number:
    """The number from its stored item (plain values). What is absent has its default."""
    inbound: Mapping[str, Any] = item.get("inboundSettings") or {}
    limit = inbound.get("maxDurationSeconds")
    return Number(
        id=item["id"],
        business=item["business"],
        phone_number=item.get("phoneNumber"),
        status=item["status"],
        direction=item["direction"],
        answerer=_answerer(item.get("assistant"), item.get("profile")),
        forwarding_enabled=bool(item.get("forwardingEnabled")),
        forwarding_number=item.get("forwardingNumber"),
        reject_message=inbound.get("rejectMessage"),
        max_duration_seconds=None if limit is None else int(limit),
        recording_enabled=item.get("recordingEnabled"),
        transcription_enabled=item.get("transcriptionEnabled"),
    )


def _answerer(assistant: Mapping[str, Any] | None, profile_json: str | None) -> Answerer | None:
    if assistant is None:
        return None
    profile = json.loads(profile_json) if profile_json else {}
    messages = profile.get("serverMessages")
    return Answerer(
        id=assistant["id"],
        type=assistant["type"],
        own_server=bool(profile.get("ownServer")),
        server_messages=None if messages is None else tuple(messages),
        metadata=profile.get("metadata") or {},
        artifact_plan=profile.get("artifactPlan") or {},
    )
