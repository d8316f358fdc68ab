"""What changed: from a stored item's old and new image to the events of the bus. Pure.

Source and detail-types are the specification's. The detail is
`{eventId, version, occurredAt, business, phoneNumberId, phoneNumber, data}`; a delivery that is repeated carries the
same eventId, since it is made of what changed and not of when it was seen.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from switchboard.calls.record import Call, call_from_item
from switchboard.model.number import CONFIGURABLE

SOURCE = "vapi.phone-number"
VERSION = 1

_CHANGEABLE = {name: name for name in CONFIGURABLE} | {
    "webhookSecret": "signingSecret",
    "blockedNumbers": "blockedVersion",
    "allowedNumbers": "allowedVersion",
}
"""Public property -> stored attribute."""


@dataclass(frozen=True, slots=True)
class Event:
    detail_type: str
    detail: dict[str, Any]


def number_events(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Iterator[Event]:
    """Events of a number's item that came to be (`old` None) or changed. Counters live elsewhere and make none."""
    before = old or {}
    was_bought, is_bought = "purchaseDate" in before, "purchaseDate" in new
    if is_bought and not was_bought:
        yield _of_number("created", new)
    if old is not None and was_bought:
        changed = [name for name, kept in _CHANGEABLE.items() if before.get(kept) != new.get(kept)]
        if changed:
            yield _of_number("updated", new, changed=sorted(changed))
    was_active, is_active = before.get("status") == "active", new["status"] == "active"
    if is_active and not was_active:
        yield _of_number("activated", new)
    if was_active and not is_active:
        yield _of_number("deactivated", new)
    if is_bought and _is_gone(new) and not _is_gone(before):
        yield _of_number("deleted", new)
    known = {(entry["pattern"], entry["addedAt"]) for entry in before.get("blockedPrefixes", ())}
    for entry in new.get("blockedPrefixes", ()):
        if (entry["pattern"], entry["addedAt"]) not in known:
            yield _of_block(entry, new["business"], new["id"], new.get("phoneNumber"))


def block_events(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Iterator[Event]:
    """Events of an exactly blocked caller that came to be (`old` None) or changed.

    Another reason or expiry is no news; one that is blocked anew after it had lapsed is.
    """
    if old is None or old["addedAt"] != new["addedAt"]:
        yield _of_block(new, new["business"], new["blockedOn"], new.get("ours"))


def call_events(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Iterator[Event]:
    """Events of a call's item that came to be (`old` None) or changed.

    Whichever message of the call came first, they are the same, so they tell only what all of its messages agree on: a
    call's events occur when it began, since its end is known more or less exactly.
    """
    call = call_from_item(new)
    if old is None:
        yield _of_call(f"Call.{call.direction}", call)
    before = None if old is None else call_from_item(old)
    if call.outcome == "missed" and (before is None or before.outcome != "missed"):
        yield _of_call("Call.missed", call, endedReason=call.ended_reason)
    if _took_message(call) and (before is None or not _took_message(before)):
        yield _of_call(
            "Voicemail.received",
            call,
            duration=float(call.duration),
            recordingUrl=call.recording_url,
            transcript=call.transcript,
        )
    spam = _suspicion(call)
    if spam is not None and (before is None or _suspicion(before) is None):
        yield _of_call("Spam.detected", call, **spam)


def threshold_events(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Iterator[Event]:
    """The event of a usage threshold that fired, as it was written then. That never changes."""
    if old is not None:
        return
    forecast = new.get("forecast")
    data = {
        "thresholdId": new["thresholdId"],
        "metric": new["metric"],
        "period": new["period"],
        "periodStart": int(new["periodStart"]),
        "periodEnd": int(new["periodEnd"]),
        "limit": _json_number(new["limit"]),
        "value": _json_number(new["value"]),
        "forecast": None if forecast is None else _json_number(forecast),
        "action": new["action"],
    }
    yield _event(
        "Threshold.exceeded", new["business"], new["numberId"], new.get("ours"), new["SK"], int(new["firedAt"]), data
    )


def _json_number(value: Any) -> int | float:
    return int(value) if value == int(value) else float(value)


def _took_message(call: Call) -> bool:
    return call.is_voicemail and call.outcome == "voicemail"


def _suspicion(call: Call) -> dict[str, Any] | None:
    """What the decision found of a caller who looked like spam, whether or not it acted on it."""
    spam = (call.decision or {}).get("spam")
    if spam is None:
        return None
    return {
        "score": int(spam["score"]),
        "threshold": int(spam["threshold"]),
        "enforced": spam["enforced"],
        "reasons": [{"reason": each["reason"], "weight": int(each["weight"])} for each in spam["reasons"]],
    }


def _is_gone(item: Mapping[str, Any]) -> bool:
    return (item.get("provisioning") or {}).get("state") in ("released", "failed")


def _of_number(detail_type: str, item: Mapping[str, Any], **more: Any) -> Event:
    version = int(item["version"])
    data = {
        "status": item["status"],
        "provider": item["provider"],
        "name": item.get("name"),
        "tags": list(item.get("tags", [])),
        "version": version,
        **more,
    }
    return _event(
        detail_type, item["business"], item["id"], item.get("phoneNumber"), str(version), int(item["updated"]), data
    )


def _of_block(entry: Mapping[str, Any], business: str, number_id: str, phone_number: str | None) -> Event:
    blocked, added_at, expires_at = entry["pattern"], int(entry["addedAt"]), entry.get("expiresAt")
    data = {
        "blocked": blocked,
        "reason": entry.get("reason"),
        "expiresAt": None if expires_at is None else int(expires_at),
    }
    subject = f"{blocked}\0{added_at}"
    return _event("Number.blocked", business, number_id, phone_number, subject, added_at // 1000, data)


def _of_call(detail_type: str, call: Call, **more: Any) -> Event:
    caller, called = (call.customer, call.ours) if call.direction == "inbound" else (call.ours, call.customer)
    began = call.created_at // 1000
    data = {
        "callId": call.id,
        "direction": call.direction,
        "caller": caller,
        "called": called,
        "createdAt": began,
        "test": call.test,
        **more,
    }
    return _event(detail_type, call.business, call.number_id, call.ours, call.id, began, data)


def _event(
    detail_type: str,
    business: str,
    number_id: str,
    phone_number: str | None,
    subject: str,
    occurred_at: int,
    data: dict[str, Any],
) -> Event:
    seed = f"{number_id}\0{detail_type}\0{subject}"
    return Event(
        detail_type,
        {
            "eventId": f"evt_{hashlib.sha256(seed.encode()).hexdigest()[:32]}",
            "version": VERSION,
            "occurredAt": occurred_at,
            "business": business,
            "phoneNumberId": number_id,
            "phoneNumber": phone_number,
            "data": data,
        },
    )
