"""The life of one call, as steps: each changes the call's row and may be told to a server (vapi.md 2.4 to 2.6)."""

import copy
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from local.simulators.vapi import conversation, messages
from local.simulators.vapi.answering import Answerer, Verdict
from local.simulators.vapi.clock import Timeline, iso, now
from local.simulators.vapi.conversation import Turn
from local.simulators.vapi.delivery import Step
from local.simulators.vapi.script import BEHAVIOURS, Behaviour, Ring
from local.simulators.vapi.state import Row

REPORT_LAG_MILLIS = 5000
"""From a call's end to its report, which takes post-processing (vapi.md 2.5)."""


@dataclass
class Call:
    """A call under way. ``snapshot`` is its row as messages show it; instants are epoch milliseconds.

    ``forgotten`` is set when the simulator forgets what there is; ``started`` is 0 until somebody picks up;
    ``tools`` are what the assistant can use; ``reports`` is what became of the messages sent so far.
    """

    snapshot: Row
    number: Row | None
    script: Ring
    created: int
    forgotten: threading.Event
    answerer: Answerer | None = None
    tools: Sequence[Row] = ()
    started: int = 0
    reports: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Starts the call's timeline."""
        self._timeline = Timeline(self.created)

    @property
    def id(self) -> str:
        """The call's id."""
        return str(self.snapshot["id"])

    @property
    def behaviour(self) -> Behaviour:
        """What the other party does."""
        return BEHAVIOURS[self.script.behaviour]

    @property
    def assistant(self) -> Row | None:
        """The assistant in force, if one talks."""
        return self.answerer.assistant if self.answerer else None

    @property
    def server(self) -> Row | None:
        """Where this call's events go: the assistant's server, else the number's (vapi.md 0.4)."""
        if self.answerer and self.answerer.server:
            return self.answerer.server
        server = (self.number or {}).get("server") or {}
        return server if server.get("url") else None

    def message(self, kind: str, at: int, **own: Any) -> Row:
        """A message of this call, dated at that instant or just after the message before."""
        at = self._timeline.at(at)
        return messages.envelope(kind, at, copy.deepcopy(self.snapshot), self.number, self.assistant, **own)

    def talk_millis(self) -> int:
        """The talk's length. The assistant's limit cuts it short, and is then the reason of the call's end."""
        limit = round(self.answerer.max_duration_seconds * 1000) if self.answerer else 0
        wanted = self.script.talk_millis
        if wanted > limit and not self.script.ended_reason:
            self.script = replace(self.script, ended_reason=BEHAVIOURS["max-duration"].ended_reason)
        return min(wanted, limit)

    def begins(self, status: str) -> list[Step]:
        """``queued`` and ``ringing`` of an outbound call."""
        return [self._step("status-update", now(), {"status": status}, status=status)]

    def opens(self) -> list[Step]:
        """The assistant picks up."""
        changes = {"status": "in-progress", "startedAt": iso(self.started)}
        empty: Row = {"messages": [], "messagesOpenAIFormatted": []}
        return [
            self._step("status-update", self.started, changes, status="in-progress", artifact=empty),
            self._step("assistant.started", self.started, newAssistant=self.assistant or {}),
        ]

    def closes(self, ended: int) -> list[Step]:
        """The talk, told at its end, and the end itself."""
        ended = max(ended, self.started + 1)
        said = conversation.turns(self.script.behaviour, self.assistant or {}, self.started, ended)
        asks = min(1, len(said) - 1)
        steps = []
        for index in range(len(said)):
            steps += self._speaks(said, index)
            if index == asks:
                steps += self._uses_tool(said[index].ends)
        destination = None
        if self.behaviour.forwards:
            destination = {"type": "number", "number": self.script.forward_to, "message": "Connecting you now."}
            own = messages.artifact(said, self.assistant, self.started)
            own |= {"destination": destination, "transcript": conversation.transcript(said)}
            steps.append(self._step("status-update", ended - 1, {"status": "forwarding"}, status="forwarding", **own))
        reason = self.script.ended_reason or self.behaviour.ended_reason
        return [*steps, *self._ends(ended, reason, said=said, destination=destination)]

    def fails(self, verdict: Verdict, ended: int) -> list[Step]:
        """The end of a call that was never connected, or not to an assistant; who hangs up early is sent nowhere."""
        reason = self.script.ended_reason or verdict.ended_reason
        if not self.behaviour.connects:
            reason = self.script.ended_reason or self.behaviour.ended_reason
            verdict = replace(verdict, destination=None, debugging=None)
        return self._ends(ended, reason, destination=verdict.destination, debugging=verdict.debugging)

    def _step(self, kind: str, at: int, changes: Row | None = None, tool: Row | None = None, **own: Any) -> Step:
        """A moment with its message; without, when the assistant does not want such messages.

        A tool with a server of its own gets its message there, wanted or not.
        """
        message = self.message(kind, at, **own)
        server = (tool or {}).get("server") or {}
        if server.get("url"):
            return Step(message, server, changes or {})
        if self.answerer and not self.answerer.hears(message):
            return Step(changes=changes or {})
        return Step(message, self.server, changes or {})

    def _speaks(self, said: Sequence[Turn], index: int) -> list[Step]:
        turn = said[index]
        role = "assistant" if turn.role == "bot" else "user"
        so_far = messages.artifact(said[: index + 1], self.assistant, self.started)
        heard: Row = {
            "transcript": turn.words,
            "originalTranscript": turn.words,
            "isFiltered": False,
            "detectedThreats": [],
        }
        return [
            self._step("speech-update", turn.begins, status="started", role=role, turn=index),
            self._step("speech-update", turn.ends, status="stopped", role=role, turn=index),
            self._step("transcript", turn.ends, role=role, transcriptType="final", **heard),
            self._step("conversation-update", turn.ends, **so_far, artifact=so_far),
        ]

    def _uses_tool(self, at: int) -> list[Step]:
        """The tool is called by whoever has it: of a squad perhaps another member, who talks from then on."""
        if not self.tools:
            return []
        steps: list[Step] = []
        if self.answerer and (able := self.answerer.handed_over()) != self.answerer:
            self.answerer = able
            steps.append(self._step("assistant.started", at, newAssistant=able.assistant))
        tool = self.tools[0]
        return [*steps, self._step("tool-calls", at, tool=tool, **messages.tool_call(tool, self.id))]

    def _ends(
        self,
        ended: int,
        reason: str,
        *,
        said: Sequence[Turn] = (),
        destination: Row | None = None,
        debugging: Row | None = None,
    ) -> list[Step]:
        facts = messages.report(
            started=self.started,
            ended=ended,
            ended_reason=reason,
            said=said,
            assistant=self.assistant,
            call_id=self.id,
            transport=transport_of(self.number or {}),
            destination=destination,
        )
        at_once: Row = {key: facts[key] for key in ("endedReason", "endedAt", "destination") if key in facts}
        ending = self._step(
            "status-update",
            ended,
            {"status": "ended", **at_once},
            status="ended",
            endedReason=reason,
            destination=destination,
            artifact=messages.artifact(said, self.assistant, self.started) if self.started else None,
            inboundPhoneCallDebuggingArtifacts=debugging,
        )
        extras = messages.report_extras(facts, self.started, ended)
        reported = min(ended + REPORT_LAG_MILLIS, max(ended, now()))
        return [ending, self._step("end-of-call-report", reported, facts, **{**extras, **facts})]


def transport_of(number: Row) -> str:
    """``call.transport.provider`` for calls of that number (vapi.md 5.3)."""
    provider = str(number.get("provider"))
    return provider if provider in ("twilio", "vonage", "telnyx") else "vapi.sip"
