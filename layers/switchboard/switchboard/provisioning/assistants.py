"""What has to be known of an assistant, squad or workflow before a number may send its calls there."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from switchboard.carriers.vapi import Vapi
from switchboard.errors import FieldError, InvalidRequest
from switchboard.model.number import VapiAssistant
from switchboard.model.record import AssistantProfile
from switchboard.model.rules import NewRoutingRule
from switchboard.model.thresholds import UsageThreshold
from switchboard.routing.answer import OUR_MESSAGES

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
"""What Vapi sends where an assistant names no server messages; both of ours are among them."""


AT_VAPI = ("assistant", "squad", "workflow")
"""The actions of a rule that name somebody at Vapi."""

DEFAULT_SECONDS = 600
"""How long a call may last where an assistant does not say; Vapi's own default."""


MOST_ASSISTANTS = 50
"""How many assistants and squads are read for one request: each takes a moment, while its owner waits."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Assistants:
    """What Vapi has of the assistants and squads that one request names, each read once, members of squads included."""

    vapi: Vapi
    _read: dict[tuple[str, str], Row | None] = field(default_factory=dict)

    def assistant(self, wanted: str) -> Row | None:
        """None if Vapi has none. Raises TooManyAssistants."""
        return self._row("assistant", wanted, self.vapi.get_assistant)

    def squad(self, wanted: str) -> Row | None:
        """None if Vapi has none. Raises TooManyAssistants."""
        return self._row("squad", wanted, self.vapi.get_squad)

    def _row(self, kind: str, wanted: str, read: Callable[[str], Row | None]) -> Row | None:
        if (kind, wanted) not in self._read:
            if len(self._read) == MOST_ASSISTANTS:
                raise TooManyAssistants
            self._read[kind, wanted] = read(wanted)
        return self._read[kind, wanted]


class TooManyAssistants(Exception):
    """A request names more than can be read while its owner waits."""


def examine(there: Assistants, wanted: VapiAssistant, path: str) -> tuple[VapiAssistant, AssistantProfile]:
    """The assistant with its name at Vapi, and its profile.

    Raises InvalidRequest at `path` if Vapi has no such one, or if the request names too many. Vapi publishes no way to
    read a workflow, so its id is taken as it is and its server is presumed its own.
    """
    if wanted.type == "workflow":
        return wanted, AssistantProfile(own_server=True)
    try:
        found = there.squad(wanted.id) if wanted.type == "squad" else there.assistant(wanted.id)
        if found is None:
            raise InvalidRequest(FieldError(path, f"Vapi has no {wanted.type} {wanted.id}"))
        profile = profile_of(wanted.type, found, there.assistant)
    except TooManyAssistants:
        message = f"is one more than the {MOST_ASSISTANTS} assistants, members of squads included, of one request"
        raise InvalidRequest(FieldError(path, message)) from None
    name = wanted.name or found.get("name")
    return wanted.model_copy(update={"name": name[:80] if name else None}), profile


def examine_rules(there: Assistants, rules: Iterable[NewRoutingRule]) -> dict[str, AssistantProfile]:
    """By id, the profiles of all whom the rules name.

    Raises InvalidRequest with the path of each rule whose assistant or squad Vapi does not have.
    """
    return _all_examined(
        there,
        (
            (VapiAssistant(id=rule.then.id, type=rule.then.action), f"callRoutingRules.{position}.then.id")
            for position, rule in enumerate(rules)
            if rule.then.action in AT_VAPI and rule.then.id is not None
        ),
    )


def examine_thresholds(there: Assistants, thresholds: Iterable[UsageThreshold]) -> dict[str, AssistantProfile]:
    """By id, the profiles of the assistants that the thresholds name.

    Raises InvalidRequest with the path of each threshold whose assistant Vapi does not have.
    """
    return _all_examined(
        there,
        (
            (VapiAssistant(id=threshold.assistant_id), f"usageThresholds.{position}.assistantId")
            for position, threshold in enumerate(thresholds)
            if threshold.assistant_id is not None
        ),
    )


def _all_examined(there: Assistants, named: Iterable[tuple[VapiAssistant, str]]) -> dict[str, AssistantProfile]:
    profiles: dict[str, AssistantProfile] = {}
    refused: list[FieldError] = []
    for wanted, path in named:
        try:
            _, profiles[wanted.id] = examine(there, wanted, path)
        except InvalidRequest as missing:
            refused += missing.errors
    if refused:
        raise InvalidRequest(*refused)
    return profiles


def examine_rule(there: Assistants, rule: NewRoutingRule, path: str) -> AssistantProfile | None:
    """The profile of whom the rule names; None where it names nobody at Vapi. Raises InvalidRequest as `examine`."""
    then = rule.then
    if then.action not in AT_VAPI or then.id is None:
        return None
    return examine(there, VapiAssistant(id=then.id, type=then.action), path)[1]


def profile_of(kind: str, found: Mapping[str, Any], member: Callable[[str], Row | None]) -> AssistantProfile:
    """Of an assistant's or squad's row at Vapi. member: the row of an assistant by its id, None if there is none."""
    return _squad_profile(found, member) if kind == "squad" else _profile(found)


def _profile(assistant: Mapping[str, Any]) -> AssistantProfile:
    return AssistantProfile(
        own_server=_has_server(assistant),
        server_messages=assistant.get("serverMessages"),
        metadata=assistant.get("metadata") or {},
        artifact_plan=assistant.get("artifactPlan") or {},
        max_duration_seconds=assistant.get("maxDurationSeconds"),
    )


def _squad_profile(squad: Mapping[str, Any], read: Callable[[str], Row | None]) -> AssistantProfile:
    """One for all members, since an override goes to all and replaces what is each one's own.

    Any server counts, and the messages are everybody's. Of artifactPlans that differ only what all members share is
    known. Their metadata is not touched, so nothing of it has to be known.
    """
    members = list(_members(squad, read))
    plans = [member.get("artifactPlan") or {} for member in members]
    shared = {name: value for name, value in plans[0].items() if all(plan.get(name) == value for plan in plans)}
    return AssistantProfile(
        own_server=any(map(_has_server, members)),
        server_messages=_messages(members),
        artifact_plan=shared,
        artifact_plans_differ=any(plan != shared for plan in plans),
        max_duration_seconds=_longest(members),
    )


def _messages(members: Sequence[Mapping[str, Any]]) -> list[str] | None:
    """What any of them sends; of ours only what all of them send. None where all send Vapi's default."""
    lists = [member.get("serverMessages") for member in members]
    if all(listed is None for listed in lists):
        return None
    sent = [DEFAULT_SERVER_MESSAGES if listed is None else listed for listed in lists]
    everybodys = dict.fromkeys(message for listed in sent for message in listed)
    lacking = {ours for ours in OUR_MESSAGES if not all(ours in listed for listed in sent)}
    return [message for message in everybodys if message not in lacking]


def _longest(members: Sequence[Mapping[str, Any]]) -> int | None:
    """How long the most patient member lets a call last; None where that is Vapi's default for all."""
    limits = [member.get("maxDurationSeconds") for member in members]
    if all(limit is None for limit in limits):
        return None
    return max(DEFAULT_SECONDS if limit is None else int(limit) for limit in limits)


def _members(squad: Mapping[str, Any], read: Callable[[str], Row | None]) -> Iterator[Row]:
    """Each as it talks: its own settings, under its overrides in the squad, under the squad's overrides for all."""
    for member in squad.get("members") or [{}]:
        kept = member.get("assistant")
        if kept is None and member.get("assistantId"):
            kept = read(member["assistantId"])
        overrides = {**(member.get("assistantOverrides") or {}), **(squad.get("membersOverrides") or {})}
        yield {**(kept or {}), **overrides}


def _has_server(settings: Mapping[str, Any]) -> bool:
    server = settings.get("server")
    return bool((isinstance(server, dict) and server.get("url")) or settings.get("serverUrl"))
