"""What is said in a call, and what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from local.simulators.vapi.state import Row

STORAGE = "https://storage.vapi.ai"
PRESIGNED_SECONDS = 3600

_DOLLARS_PER_MINUTE = {"transcriber": 0.01, "model": 0.02, "voice": 0.035, "vapi": 0.05}


@dataclass(frozen=True)
class Turn:
    """Something said, between two instants (epoch milliseconds)."""

    role: Literal["bot", "user"]
    words: str
    begins: int
    ends: int


_GREETING = "Thanks for calling. How can I help?"
_DIALOGUES: dict[str, Sequence[tuple[Literal["bot", "user"], str]]] = {
    "talk": (("user", "When do you open?"), ("bot", "We open at nine.")),
    "assistant-forwards": (("user", "Can I speak to a person?"), ("bot", "Connecting you now.")),
    "voicemail": (("user", "Please leave a message after the tone."), ("bot", "Please call us back.")),
    "silence": (),
}


def turns(behaviour: str, assistant: Row, started: int, ended: int) -> list[Turn]:
    """The talk of a call, spread over it; the assistant's own ``firstMessage`` comes first.

    However short the call, all of it is said: instants are fractions of the call's length.
    """
    lines = [("bot", assistant.get("firstMessage") or _GREETING), *_DIALOGUES.get(behaviour, _DIALOGUES["talk"])]
    slot = min(5000.0, (ended - started) / (len(lines) + 1))
    said = []
    for index, (role, words) in enumerate(lines):
        begins = started + slot * (index + 0.2)
        said.append(Turn("bot" if role == "bot" else "user", words, round(begins), round(begins + slot * 0.6)))
    return said


def messages(said: Sequence[Turn], assistant: Row, started: int) -> list[Row]:
    """The turns as Vapi's ``messages``: the system prompt, then each turn with its times."""
    items: list[Row] = [
        {"role": "system", "message": prompt, "time": started, "secondsFromStart": 0} for prompt in _prompts(assistant)
    ]
    for turn in said:
        item = {
            "role": turn.role,
            "message": turn.words,
            "time": turn.begins,
            "endTime": turn.ends,
            "secondsFromStart": (turn.begins - started) / 1000,
            "duration": turn.ends - turn.begins,
        }
        items.append({**item, "source": ""} if turn.role == "bot" else item)
    return items


def openai_messages(said: Sequence[Turn], assistant: Row) -> list[Row]:
    """The turns as ``messagesOpenAIFormatted``."""
    roles = {"bot": "assistant", "user": "user"}
    prompts = [{"role": "system", "content": prompt} for prompt in _prompts(assistant)]
    return [*prompts, *({"role": roles[turn.role], "content": turn.words} for turn in said)]


def transcript(said: Sequence[Turn]) -> str:
    """``AI: ...`` and ``User: ...``, a line each."""
    speakers = {"bot": "AI", "user": "User"}
    return "".join(f"{speakers[turn.role]}: {turn.words}\n" for turn in said)


def keeps_recording(assistant: Row) -> bool:
    """Whether ``artifactPlan.recordingEnabled`` (default true) lets Vapi record."""
    return (assistant.get("artifactPlan") or {}).get("recordingEnabled") is not False


def keeps_transcript(assistant: Row) -> bool:
    """Whether ``artifactPlan.transcriptPlan.enabled`` (default true) lets Vapi keep the transcript."""
    return ((assistant.get("artifactPlan") or {}).get("transcriptPlan") or {}).get("enabled") is not False


def recording(call_id: str, expires_at: str) -> Row:
    """The artifact's recording keys, plain and presigned (vapi.md 5.2)."""
    base = f"{STORAGE}/{call_id}"
    return {
        "recordingUrl": f"{base}-mono.wav",
        "stereoRecordingUrl": f"{base}-stereo.wav",
        "recording": {
            "stereoUrl": f"{base}-stereo.wav",
            "mono": {
                "combinedUrl": f"{base}-mono.wav",
                "assistantUrl": f"{base}-assistant.wav",
                "customerUrl": f"{base}-customer.wav",
            },
        },
        "presignedMonoUrl": f"{base}-mono.wav?X-Amz-Expires={PRESIGNED_SECONDS}",
        "presignedStereoUrl": f"{base}-stereo.wav?X-Amz-Expires={PRESIGNED_SECONDS}",
        "presignedUrlsExpiresAt": expires_at,
    }


def bill(milliseconds: int, said: Sequence[Turn], assistant: Row, transport: str, *, voicemail: bool) -> Row:
    """``{cost, costs, costBreakdown}`` of a call of that length, in US dollars with four decimals; the parts add up."""
    minutes = round(milliseconds / 60_000, 4)
    price = {part: round(minutes * rate, 4) for part, rate in _DOLLARS_PER_MINUTE.items()}
    characters = sum(len(turn.words) for turn in said if turn.role == "bot")
    prompt_tokens, completion_tokens = 400 + 40 * len(said), characters // 4
    costs: list[Row] = [
        {"type": "transport", "provider": transport, "minutes": minutes, "cost": 0},
        {
            "type": "transcriber",
            "transcriber": assistant.get("transcriber") or {"provider": "deepgram", "model": "nova-3"},
            "minutes": minutes,
            "cost": price["transcriber"],
        },
        {
            "type": "model",
            "model": _named(assistant.get("model"), "model", {"provider": "openai", "model": "gpt-4.1"}),
            "promptTokens": prompt_tokens,
            "completionTokens": completion_tokens,
            "cost": price["model"],
        },
        {
            "type": "voice",
            "voice": _named(assistant.get("voice"), "voiceId", {"provider": "vapi", "voiceId": "Elliot"}),
            "characters": characters,
            "cost": price["voice"],
        },
        {"type": "vapi", "subType": "normal", "minutes": minutes, "cost": price["vapi"]},
    ]
    if voicemail:
        costs.append(_VOICEMAIL_DETECTION)
    total = round(sum(item["cost"] for item in costs), 4)
    breakdown: Row = {
        "transport": 0,
        "stt": price["transcriber"],
        "llm": price["model"],
        "tts": price["voice"],
        "vapi": price["vapi"],
        "chat": 0,
        "total": total,
        "llmPromptTokens": prompt_tokens,
        "llmCompletionTokens": completion_tokens,
        "llmCachedPromptTokens": 0,
        "ttsCharacters": characters,
    }
    if voicemail:
        breakdown["voicemailDetectionCost"] = _VOICEMAIL_DETECTION["cost"]
    return {"cost": total, "costs": costs, "costBreakdown": breakdown}


_VOICEMAIL_DETECTION: Row = {
    "type": "voicemail-detection",
    "model": {"provider": "vapi"},
    "provider": "vapi",
    "promptTextTokens": 0,
    "promptAudioTokens": 0,
    "completionTextTokens": 0,
    "completionAudioTokens": 0,
    "cost": 0.0015,
}


def _prompts(assistant: Row) -> list[str]:
    given = (assistant.get("model") or {}).get("messages") or []
    return [str(item["content"]) for item in given if item.get("role") == "system" and "content" in item]


def _named(part: Any, key: str, default: Row) -> Row:
    return {"provider": part["provider"], key: part.get(key)} if part and "provider" in part else default
