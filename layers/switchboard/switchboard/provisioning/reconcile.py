"""Carrier, Vapi and table compared, and brought together: what we hold is what is wanted.

Each difference is a finding of a class. What only continues a number's own life is done at once; what would give a
number away is done only where the table itself says that it is nobody's, and only some time after. A dry run changes
nothing.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from switchboard.carriers.carrier import Carrier, Owned
from switchboard.carriers.http import Refused
from switchboard.carriers.vapi import (
    BLOCKED,
    UNASSIGNED,
    Vapi,
    VapiNumber,
    fallback_of,
    held_at_vapi,
    is_under_way,
    server_of,
)
from switchboard.errors import ProviderError, ProviderNotConfigured, SwitchboardError
from switchboard.ledger.learn import learn_call, would_learn_call
from switchboard.model.number import Provider
from switchboard.model.record import GONE, NumberRecord
from switchboard.provisioning.at_carrier import id_of_tag
from switchboard.provisioning.carriers import carrier
from switchboard.provisioning.connected import lifecycle, vapi
from switchboard.provisioning.lifecycle import Lifecycle
from switchboard.provisioning.refreshing import Profiles, profiles_at_vapi, stale
from switchboard.store.calls import Calls, calls
from switchboard.store.lines import Lines, lines
from switchboard.store.sdk import BucketUnavailable
from switchboard.store.secrets import secret
from switchboard.webhook_token import business_of_token, make_token

logger = Logger()
metrics = Metrics()

ORPHAN_SECONDS = 86_400
"""How old what nobody wants has to be before it is given back: everything that may still be on its way has arrived."""

CALLS_SECONDS = 26 * 3600
"""How far back Vapi's call list is read again: more than a day, less than Vapi keeps."""

QUIET_SECONDS = 600
"""A line that is held for longer is asked after."""

ASKED_ABOUT_SECONDS = 7 * 86_400
"""How long a number of a carrier whose list shows no tags is asked for its tag, by requests of its own. What we bought
and nobody wants is found within a day."""

MARGIN_MS = 120_000
"""Left for what is under way when the function's time runs out: some requests, each of which may be waited for."""

CARRIERS: tuple[Provider, ...] = ("twilio", "vonage", "bandwidth")

NONE_OF_OURS = frozenset({"unknown-at-vapi", "unknown-at-carrier"})
"""Classes of what an account has beside the deployment's numbers, which is nobody's to put right."""

_IS_BACK = "which was taken for gone: it is left to its owner"

_OURS = re.compile(r"/vapi/(pn_[0-9A-HJKMNP-TV-Z]{26})$")


T = TypeVar("T")


class OutOfTime(Exception):
    """The function's time is almost up."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference. kind: its class. done: whether it was put right; why not, the detail says.

    classes: unfinished, drift, blocked-at-vapi, gone-at-vapi, gone-at-carrier, orphan-at-vapi, orphan-at-carrier,
    unknown-at-vapi, unknown-at-carrier, assistant-changed, assistant-gone, stale-line, missing-call, not-compared.
    """

    kind: str
    subject: str
    detail: str
    done: bool = False


@dataclass
class Report:
    """What one comparison found."""

    dry_run: bool
    numbers: int = 0
    findings: list[Finding] = field(default_factory=list)

    def by_class(self) -> dict[str, dict[str, int]]:
        """Per class, how many were found and how many of them put right."""
        counts: dict[str, dict[str, int]] = {}
        for finding in self.findings:
            count = counts.setdefault(finding.kind, {"found": 0, "done": 0})
            count["found"] += 1
            count["done"] += finding.done
        return counts

    @property
    def left(self) -> int:
        """How many differences there still are."""
        return sum(not (finding.done or finding.kind in NONE_OF_OURS) for finding in self.findings)

    def as_json(self) -> dict[str, Any]:
        return {
            "dryRun": self.dry_run,
            "numbers": self.numbers,
            "left": self.left,
            "classes": self.by_class(),
            "findings": [asdict(finding) for finding in self.findings],
        }


@dataclass(frozen=True, kw_only=True)
class Reconciler:
    """keys: of the webhook tokens. carrier: the client of a provider, raises ProviderNotConfigured.

    remaining_ms: until the function has to end; nothing is begun when less than margin_ms is left.
    """

    lifecycle: Lifecycle
    vapi: Vapi
    calls: Calls
    lines: Lines
    keys: Mapping[str, str]
    carrier: Callable[[Provider], Carrier]
    dry_run: bool
    remaining_ms: Callable[[], int]
    margin_ms: int
    orphan_seconds: int = ORPHAN_SECONDS

    def run(self) -> Report:
        """Compares everything; calls and their lines first. What is not compared is at the next turn."""
        report = Report(self.dry_run)
        try:
            records = self._records()
        except OutOfTime:  # what is not among them could not be told from what is nobody's
            report.findings.append(_no_time("numbers"))
        else:
            report.numbers = len(records)
            self._compare(records, report)
        _tell(report)
        return report

    def _compare(self, records: dict[str, NumberRecord], report: Report) -> None:
        for name, compare in (
            ("calls", self._calls),
            ("unfinished", self._finish),
            ("vapi", self._at_vapi),
            *((name, self._comparing(name)) for name in CARRIERS),
            ("assistants", self._assistants),
        ):
            try:
                report.findings.extend(compare(records))
            except OutOfTime:
                report.findings.append(_no_time(name))
            except ProviderNotConfigured:
                if any(record.number.provider == name for record in records.values()):
                    report.findings.append(Finding("not-compared", name, "there are no credentials"))
            except (ProviderError, Refused, BucketUnavailable) as error:
                report.findings.append(Finding("not-compared", name, type(error).__name__))

    def _records(self) -> dict[str, NumberRecord]:
        """Every number that is not gone, by its id; an intent may have been taken back since it was listed."""
        ids = self._in_time(self.lifecycle.numbers.inventory())
        return {record.number.id: record for record in map(self.lifecycle.numbers.find, ids) if record is not None}

    def _in_time(self, items: Iterable[T]) -> Iterator[T]:
        """The items, one after the other, as long as there is time for the next. Raises OutOfTime."""
        self._must_have_time()
        for item in items:
            yield item
            self._must_have_time()

    def _must_have_time(self) -> None:
        if self.remaining_ms() < self.margin_ms:
            raise OutOfTime

    def _finish(self, records: dict[str, NumberRecord]) -> Iterator[Finding]:
        """What is half done is done on, and is in the records as it is then. Numbers that wait in peace are left so."""
        for number_id in self._in_time(list(self.lifecycle.numbers.unfinished())):
            record = self.lifecycle.numbers.find(number_id)
            if record is None or not record.unfinished:
                continue
            after, detail = record, record.state
            if not self.dry_run:
                try:
                    after = self.lifecycle.advance(record)
                except (SwitchboardError, Refused) as error:
                    detail = f"{record.state}: {type(error).__name__}"
            records[number_id] = after
            if after.state in GONE:
                del records[number_id]
            yield Finding("unfinished", number_id, detail, done=after != record)

    def _finding(self, kind: str, subject: str, detail: str, put_right: Callable[[], bool]) -> Finding:
        """One difference, and what became of putting it right. Whoever does not go along holds up no other.

        put_right: tells whether it has; not called in a dry run.
        """
        if self.dry_run:
            return Finding(kind, subject, detail)
        try:
            return Finding(kind, subject, detail, done=put_right())
        except (SwitchboardError, Refused) as error:
            return Finding(kind, subject, f"{detail}: {type(error).__name__}")

    # ---- Vapi ------------------------------------------------------------------------------------------------------

    def _at_vapi(self, records: Mapping[str, NumberRecord]) -> Iterator[Finding]:
        rows = list(self._in_time(self.vapi.numbers()))
        there = {row.id for row in rows}
        organisations = {row.org_id for row in rows if row.org_id is not None}
        for row in self._in_time(rows):
            ours = _OURS.search(row.server_url or "")
            by_id = next((record for record in records.values() if record.vapi_id == row.id), None)
            if by_id is not None:
                if row.status == BLOCKED:
                    yield Finding("blocked-at-vapi", by_id.number.id, f"{row.id}, since when and why only Vapi knows")
                yield from self._drift(by_id, row)
            elif ours is not None:
                yield from self._stray(row, ours[1])
        ready = [record for record in records.values() if record.state == "ready" and record.vapi_id is not None]
        here = [
            record
            for record in ready
            if record.vapi_org_id is None or record.vapi_org_id in organisations or not organisations
        ]
        yield from _elsewhere("vapi", len(ready) - len(here))
        lost = [record for record in here if record.vapi_id not in there]
        yield from self._lost("vapi", here, lost, self._gone_at_vapi)

    def _drift(self, record: NumberRecord, row: VapiNumber) -> Iterator[Finding]:
        """What Vapi has still to be told of a number, name and fallback, differs until it is."""
        if record.state != "ready":
            return
        is_told = not record.out_of_step
        fallback = fallback_of(held_at_vapi(name=None, fallback=record.fallback))
        found = [
            what
            for what, differs in {
                "server URL": row.server_url != record.server_url,
                "token": business_of_token(self.keys, record.number.id, row.token or "") != record.number.business,
                "assistant": row.answerer is not None,
                "name": is_told and row.name != record.number.name,
                "fallback": is_told and row.fallback != fallback,
                "hooks": row.has_hooks,
            }.items()
            if differs
        ]
        if found:
            yield self._finding("drift", record.number.id, ", ".join(found), lambda: self._put_right(record, row))

    def _put_right(self, record: NumberRecord, row: VapiNumber) -> bool:
        number = record.number
        token = make_token(self.keys, number.id, number.business)
        wanted = held_at_vapi(name=number.name, fallback=record.fallback) | dict(UNASSIGNED)
        wanted["server"] = server_of(record.server_url, token)
        after = self.vapi.put_right(row.id, str(row.provider), wanted)
        return after is not None and after.answerer is None and after.server_url == record.server_url

    def _stray(self, row: VapiNumber, number_id: str) -> Iterator[Finding]:
        """A row under one of our server URLs that is not the number's own: bought late, imported twice, left over."""
        record = self.lifecycle.numbers.find(number_id)
        if record is None:
            yield Finding("unknown-at-vapi", row.id, f"its server URL names {number_id}, which the table does not know")
        elif row.server_url != record.server_url:
            yield Finding("unknown-at-vapi", row.id, f"its server URL names {number_id}, in another deployment")
        elif record.state not in GONE and record.vapi_id in (None, row.id):
            return  # its own life will find it, or has since
        elif record.is_lost:
            yield Finding("orphan-at-vapi", row.id, f"of {number_id}, {_IS_BACK}")
        elif not self._is_old(_seconds(row.created_at), record):
            yield Finding("orphan-at-vapi", row.id, f"of {number_id}, too young to be given back")
        else:
            detail = f"of {number_id}, which is {record.state}"
            yield self._finding("orphan-at-vapi", row.id, detail, lambda: self._released_at_vapi(row))

    def _released_at_vapi(self, row: VapiNumber) -> bool:
        self.vapi.release_number(row.id)
        return True

    def _gone_at_vapi(self, record: NumberRecord) -> Finding:
        def give_up() -> bool:
            if self.vapi.get_number(str(record.vapi_id)) is not None:
                return False
            self.lifecycle.gone_at_vapi(record)
            return True

        return self._finding("gone-at-vapi", record.number.id, str(record.vapi_id), give_up)

    def _assistants(self, records: Mapping[str, NumberRecord]) -> Iterator[Finding]:
        self._must_have_time()
        fresh = profiles_at_vapi(self.vapi, records.values())
        for number in self._in_time(stale(records.values(), fresh)):
            if number.changed:
                put_right = partial(self._keep_profiles, records[number.number_id], fresh)
                yield self._finding("assistant-changed", number.number_id, ", ".join(number.changed), put_right)
            for gone in number.gone:
                yield Finding("assistant-gone", number.number_id, gone)

    def _keep_profiles(self, record: NumberRecord, fresh: Profiles) -> bool:
        return self.lifecycle.keep_profiles(record.number.id, fresh).revision != record.revision

    # ---- the carriers ----------------------------------------------------------------------------------------------

    def _comparing(self, provider: Provider) -> Callable[[Mapping[str, NumberRecord]], Iterator[Finding]]:
        return lambda records: self._at_carrier(self.carrier(provider), records)

    def _at_carrier(self, carrier: Carrier, records: Mapping[str, NumberRecord]) -> Iterator[Finding]:
        owned = {held.number: held for held in self._in_time(carrier.owned())}
        mine = {
            record.number.phone_number: record
            for record in records.values()
            if record.number.provider == carrier.name and record.claimed is not None
        }
        claimed = {record.claimed for record in mine.values()}
        unknown = 0
        for held in self._in_time(owned.values()):
            if held.number in claimed:
                if held.is_diverted:
                    yield from self._diverted(carrier, held, mine.get(held.number))
                continue
            try:
                number_id = id_of_tag(self._tag(carrier, held))
            except (ProviderError, Refused) as error:
                yield Finding("not-compared", f"{held.number} at {carrier.name}", type(error).__name__)
                continue
            if number_id is None:
                unknown += 1
            else:
                yield from self._left_over(carrier, held, number_id)
        if unknown:
            yield Finding("unknown-at-carrier", carrier.name, f"{unknown} numbers that are not ours")
        ready = [record for record in mine.values() if record.state == "ready"]
        here = [record for record in ready if record.carrier and record.carrier.account in (None, carrier.account)]
        lost = [record for record in here if record.number.phone_number not in owned]
        yield from _elsewhere(carrier.name, len(ready) - len(here))
        yield from self._lost(carrier.name, here, lost, lambda record: self._gone_at_carrier(carrier, record))

    def _diverted(self, carrier: Carrier, held: Owned, record: NumberRecord | None) -> Iterator[Finding]:
        if record is not None and record.state == "ready":
            detail = f"{carrier.name} sends its calls elsewhere"
            yield self._finding("drift", record.number.id, detail, lambda: carrier.configure(held))

    def _tag(self, carrier: Carrier, held: Owned) -> str | None:
        """An asynchronous carrier's list shows no tags; the order that a number came by does, to who asks for it."""
        if held.tag is not None or not (carrier.tags_numbers and carrier.asynchronous):
            return held.tag
        if held.since is not None and self.lifecycle.now() - held.since > ASKED_ABOUT_SECONDS:
            return None
        shown = carrier.find(held.number, held.country or "", "")
        return shown.tag if isinstance(shown, Owned) else None

    def _left_over(self, carrier: Carrier, held: Owned, number_id: str) -> Iterator[Finding]:
        """A number with a tag of ours that no number of ours holds. Another deployment may share the account."""
        record = self.lifecycle.numbers.find(number_id)
        where = f"{held.number} at {carrier.name}"
        if record is None:
            yield Finding("unknown-at-carrier", where, f"tagged for {number_id}, which the table does not know")
        elif record.state == "purchasing" or (record.state not in GONE and record.claimed == held.number):
            return  # its own life will find it, or has since
        elif record.is_lost:
            yield Finding("orphan-at-carrier", where, f"of {number_id}, {_IS_BACK}")
        elif held.since is None or not self._is_old(held.since, record):
            yield Finding("orphan-at-carrier", where, f"of {number_id}, too young to be given back")
        else:
            detail = f"of {number_id}, which is {record.state}"
            yield self._finding("orphan-at-carrier", where, detail, lambda: carrier.release(held).state != "failed")

    def _gone_at_carrier(self, carrier: Carrier, record: NumberRecord) -> Finding:
        where = f"{record.number.phone_number} at {carrier.name}"
        return self._finding(
            "gone-at-carrier", record.number.id, where, lambda: self.lifecycle.gone_at_carrier(record, carrier)
        )

    # ---- calls -----------------------------------------------------------------------------------------------------

    def _calls(self, records: Mapping[str, NumberRecord]) -> Iterator[Finding]:
        """Calls whose end nobody told us, and lines that they hold: Vapi's list knows."""
        by_vapi_id = {record.vapi_id: record for record in records.values() if record.vapi_id is not None}
        now = self.lifecycle.now()
        learn = would_learn_call if self.dry_run else learn_call
        for row in self._in_time(self.vapi.calls_created(now - CALLS_SECONDS)):
            record = by_vapi_id.get(str(row.get("phoneNumberId")))
            if record is not None and row.get("status") == "ended" and learn(self.calls, record, row):
                yield Finding("missing-call", str(row["id"]), f"of {record.number.id}", done=not self.dry_run)
        for record in self._in_time(records.values()):
            if record.number.max_concurrent_calls is not None:
                yield from self._stale_lines(record, now)

    def _stale_lines(self, record: NumberRecord, now: int) -> Iterable[Finding]:
        for line in self.lines.in_use(record.number.id, now):
            if now - line.since < QUIET_SECONDS:
                continue
            row = self.vapi.get_call(line.call_id)
            if row is not None and is_under_way(row):
                continue
            done = not self.dry_run and self.lines.give_back(record.number.id, line.call_id)
            yield Finding("stale-line", line.call_id, f"of {record.number.id}, held since {line.since}", done=done)

    def _lost(
        self,
        where: str,
        compared: Sequence[NumberRecord],
        lost: Sequence[NumberRecord],
        give_up: Callable[[NumberRecord], Finding],
    ) -> Iterator[Finding]:
        """What is missing is given up; not where all of several numbers are, which a wrong secret explains better."""
        if len(lost) == len(compared) > 1:
            detail = f"none of our {len(lost)} numbers is there: is its secret of the right account? None is given up"
            yield Finding("not-compared", where, detail)
            return
        yield from map(give_up, self._in_time(lost))

    def _is_old(self, since: int, record: NumberRecord) -> bool:
        """Whether what is there since then is an orphan for long: not before its number has come to where it stands."""
        return self.lifecycle.now() - max(since, record.number.provisioning.since) >= self.orphan_seconds


def _no_time(where: str) -> Finding:
    return Finding("not-compared", where, "there was no time left")


def _elsewhere(where: str, count: int) -> Iterator[Finding]:
    if count:
        yield Finding("not-compared", where, f"{count} of our numbers are in another account than its secret names")


def _tell(report: Report) -> None:
    """A dry run is an operator's question, and measures nothing."""
    for finding in report.findings:
        logger.info("finding", **asdict(finding))
    if not report.dry_run:
        for kind, count in report.by_class().items():
            name = "".join(word.capitalize() for word in kind.split("-"))
            metrics.add_metric(f"Reconcile{name}", MetricUnit.Count, count["found"])
        metrics.add_metric("ReconcileLeft", MetricUnit.Count, report.left)
    logger.info("reconciled", dryRun=report.dry_run, numbers=report.numbers, classes=report.by_class())


def _seconds(instant: str) -> int:
    return int(datetime.fromisoformat(instant).timestamp())


def reconciler(*, dry_run: bool, remaining_ms: Callable[[], int], clock: Callable[[], float] = time.time) -> Reconciler:
    """With the real collaborators. remaining_ms: until the function has to end."""
    return Reconciler(
        lifecycle=lifecycle(clock),
        vapi=vapi(),
        calls=calls(),
        lines=lines(),
        keys=secret("WEBHOOK_SECRET_ARN"),
        carrier=carrier,
        dry_run=dry_run,
        remaining_ms=remaining_ms,
        margin_ms=min(MARGIN_MS, remaining_ms() // 2),
    )
