"""Assistants and squads that changed at Vapi since a number named them. Vapi tells nobody, so its lists are read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from switchboard.carriers.vapi import Vapi
from switchboard.model.base import Timestamp
from switchboard.model.number import Status
from switchboard.model.record import AssistantProfile, NumberRecord
from switchboard.provisioning.assistants import Row, profile_of

Target = tuple[str, str]
"""`assistant` or `squad`, and its id."""

Profiles = Mapping[Target, AssistantProfile]


@dataclass(frozen=True, slots=True)
class Stale:
    """A number that names whom Vapi has otherwise by now, or has no more."""

    number_id: str
    changed: tuple[str, ...]
    gone: tuple[str, ...]


def profiles_at_vapi(vapi: Vapi, records: Iterable[NumberRecord]) -> Profiles:
    """Of all assistants and squads that the numbers name and Vapi has. Two lists are read, whoever is named how often.

    Raises ProviderError.
    """
    named = {target for record in records for target in _named(record)}
    squads = {row["id"]: row for row in vapi.squads()} if any(kind == "squad" for kind, _ in named) else {}
    rows: dict[Target, Row] = {("squad", each): row for each, row in squads.items() if ("squad", each) in named}
    members = {member.get("assistantId") for row in rows.values() for member in row.get("members", [])}
    wanted = {each for kind, each in named if kind == "assistant"} | members - {None}
    there = {row["id"]: row for row in vapi.assistants() if row["id"] in wanted} if wanted else {}
    rows |= {("assistant", each): row for each, row in there.items()}
    return {(kind, each): profile_of(kind, rows[kind, each], there.get) for kind, each in named if (kind, each) in rows}


def stale(records: Iterable[NumberRecord], fresh: Profiles) -> Iterator[Stale]:
    """The numbers whose profiles are not what Vapi has."""
    for record in records:
        named = _named(record)
        changed = tuple(
            sorted(each for (kind, each), known in named.items() if fresh.get((kind, each), known) != known)
        )
        gone = tuple(sorted(each for kind, each in named if (kind, each) not in fresh))
        if changed or gone:
            yield Stale(record.number.id, changed, gone)


def refreshed(record: NumberRecord, fresh: Profiles, at: Timestamp) -> NumberRecord:
    """The record with what Vapi has; what it has no more is kept as it was. Raises InvalidRequest if it has no room."""
    assistant, profile = record.number.assistant, record.profile
    if assistant is not None:
        profile = fresh.get((assistant.type, assistant.id), profile)
    kinds = _kinds(record)
    kept = {each: fresh.get((kinds.get(each, ""), each), known) for each, known in record.rule_profiles.items()}
    return record.examined(profile, kept, at)


def _named(record: NumberRecord) -> dict[Target, AssistantProfile | None]:
    """Whom the number names, with what is known of them. Workflows cannot be read."""
    if record.number.status == Status.CANCELLED:
        return {}
    named: dict[Target, AssistantProfile | None] = {
        (kind, each): record.rule_profiles.get(each) for each, kind in _kinds(record).items()
    }
    assistant = record.number.assistant
    if assistant is not None and assistant.type != "workflow":
        named[assistant.type, assistant.id] = record.profile
    return named


def _kinds(record: NumberRecord) -> dict[str, str]:
    number = record.number
    kinds = {threshold.assistant_id: "assistant" for threshold in number.usage_thresholds if threshold.assistant_id}
    rules = ((rule.then.id, rule.then.action) for rule in number.call_routing_rules)
    return kinds | {each: kind for each, kind in rules if each is not None and kind in ("assistant", "squad")}
