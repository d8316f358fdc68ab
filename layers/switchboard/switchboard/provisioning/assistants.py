"""What has to be known of an assistant, squad or workflow before a number may send its calls there."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from switchboard.carriers.vapi import Vapi
from switchboard.errors import FieldError, InvalidRequest
from switchboard.model.number import VapiAssistant
from switchboard.model.record import AssistantProfile
from switchboard.model.rules import NewRoutingRule
from switchboard.model.thresholds import UsageThreshold

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


DEFAULT_SECONDS = 600
"""How long a call may last where an assistant does not say; Vapi's own default."""


def examine(vapi: Vapi, wanted: VapiAssistant, path: str) -> tuple[VapiAssistant, AssistantProfile]:
    """The assistant with its name at Vapi, and its profile. Raises InvalidRequest at `path` if Vapi has no such one.

    Vapi publishes no way to read a workflow, so its id is taken as it is and its server is presumed its own.
    """
    if wanted.type == "workflow":
        return wanted, AssistantProfile(own_server=True)
    if wanted.type == "squad":
        found = vapi.get_squad(wanted.id)
        profile = None if found is None else _squad_profile(vapi, found)
    else:
        found = vapi.get_assistant(wanted.id)
        profile = None if found is None else _profile(found)
    if found is None or profile is None:
        raise InvalidRequest(FieldError(path, f"Vapi has no {wanted.type} {wanted.id}"))
    name = wanted.name or found.get("name")
    return wanted.model_copy(update={"name": name[:80] if name else None}), profile


def examine_rules(
    vapi: Vapi, rules: Iterable[NewRoutingRule], known: Iterable[NewRoutingRule] = ()
) -> dict[str, AssistantProfile]:
    """By id, the profiles of all whom the rules name and no known rule does.

    Raises InvalidRequest with the path of each rule whose assistant or squad Vapi does not have.
    """
    seen = {(rule.then.action, rule.then.id) for rule in known}
    profiles: dict[str, AssistantProfile] = {}
    missing: list[FieldError] = []
    for position, rule in enumerate(rules):
        if (rule.then.action, rule.then.id) in seen:
            continue
        try:
            profile = examine_rule(vapi, rule, f"callRoutingRules.{position}.then.id")
        except InvalidRequest as refused:
            missing += refused.errors
            continue
        seen.add((rule.then.action, rule.then.id))
        if profile is not None:
            profiles[str(rule.then.id)] = profile
    if missing:
        raise InvalidRequest(*missing)
    return profiles


def examine_rule(vapi: Vapi, rule: NewRoutingRule, path: str) -> AssistantProfile | None:
    """The profile of whom the rule names; None where it names nobody at Vapi. Raises InvalidRequest as `examine`."""
    then = rule.then
    if then.action in ("forward", "voicemail", "reject") or then.id is None:
        return None
    return examine(vapi, VapiAssistant(id=then.id, type=then.action), path)[1]


def examine_thresholds(
    vapi: Vapi, thresholds: Iterable[UsageThreshold], known: Iterable[UsageThreshold] = ()
) -> dict[str, AssistantProfile]:
    """By id, the profiles of the assistants that the thresholds name and no known threshold does.

    Raises InvalidRequest with the path of each threshold whose assistant Vapi does not have.
    """
    seen = {threshold.assistant_id for threshold in known}
    profiles: dict[str, AssistantProfile] = {}
    missing: list[FieldError] = []
    for position, threshold in enumerate(thresholds):
        wanted = threshold.assistant_id
        if wanted is None or wanted in seen or wanted in profiles:
            continue
        try:
            _, profiles[wanted] = examine(vapi, VapiAssistant(id=wanted), f"usageThresholds.{position}.assistantId")
        except InvalidRequest as refused:
            missing += refused.errors
    if missing:
        raise InvalidRequest(*missing)
    return profiles


def _profile(assistant: Mapping[str, Any]) -> AssistantProfile:
    return AssistantProfile(
        own_server=_has_server(assistant),
        server_messages=assistant.get("serverMessages"),
        metadata=assistant.get("metadata") or {},
        artifact_plan=assistant.get("artifactPlan") or {},
        max_duration_seconds=assistant.get("maxDurationSeconds"),
    )


def _squad_profile(vapi: Vapi, squad: Mapping[str, Any]) -> AssistantProfile:
    """One for all members, since an override goes to all: any server counts, and the messages are everybody's."""
    settings = [*_members(vapi, squad), squad.get("membersOverrides") or {}]
    listed = [setting["serverMessages"] for setting in settings[:-1] if setting.get("serverMessages") is not None]
    messages: list[str] | None = None
    if listed:
        defaults = [] if len(listed) == len(settings) - 1 else [DEFAULT_SERVER_MESSAGES]
        messages = list(dict.fromkeys(message for group in (*listed, *defaults) for message in group))
    return AssistantProfile(
        own_server=any(map(_has_server, settings)),
        server_messages=messages,
        max_duration_seconds=_longest(settings[:-1], settings[-1]),
    )


def _longest(members: Iterable[Mapping[str, Any]], overrides: Mapping[str, Any]) -> int | None:
    """How long the most patient member lets a call last; None where that is Vapi's default for all."""
    if overrides.get("maxDurationSeconds") is not None:
        return int(overrides["maxDurationSeconds"])
    limits = [member.get("maxDurationSeconds") for member in members]
    if all(limit is None for limit in limits):
        return None
    return max(DEFAULT_SECONDS if limit is None else int(limit) for limit in limits)


def _members(vapi: Vapi, squad: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for member in squad.get("members", []):
        kept = member.get("assistant")
        if kept is None and member.get("assistantId"):
            kept = vapi.get_assistant(member["assistantId"])
        yield {**(kept or {}), **(member.get("assistantOverrides") or {})}


def _has_server(settings: Mapping[str, Any]) -> bool:
    server = settings.get("server")
    return bool((isinstance(server, dict) and server.get("url")) or settings.get("serverUrl"))
