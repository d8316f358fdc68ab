"""`make bench`: what a call costs, side by side with other ways of doing the same, in one run.

Times are CPU, so that a busy machine shows less in them than in what a clock says. Repetitions are interleaved, and a
ratio is the median of the rounds' own ratios, so that a machine whose speed changes is the same for both. Nothing here
fails: a budget is KEPT or MISSED, and no test asserts a time.
"""

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from local.paths import REPOSITORY
from local.switch import Fault, running_switch
from tests.bench import cases, exporting
from tests.bench.processes import run, stub

SUBJECTS = REPOSITORY / "tests/bench/subjects"
BARE = "(a) bare boto3"
SAME = "(a') the same requests"
CALLS = {
    "Switchboard's call plane": REPOSITORY / "functions/vapi/app.py",
    BARE: SUBJECTS / "bare.py",
    SAME: SUBJECTS / "bare_same.py",
    "(b) FastAPI and Mangum": SUBJECTS / "fastapi_mangum.py",
    "(c) Powertools resolver": SUBJECTS / "powertools.py",
}
ACTIONS = {"Switchboard's get": REPOSITORY / "functions/get/app.py", BARE: SUBJECTS / "bare_get.py"}
COLD, WARM, ACTION_COLD, DECIDE_P99, YEAR_READS = 1.35, 1.15, 1.8, 1000, 1.1
ANSWER_MS = 1500
WARM_DECISIONS = 300
OUTAGES = 5
LAMBDAS_SHARE = 0.58
"""Of a core, that Lambda gives to a function of 1024 MB."""

FAULTS: tuple[Fault, ...] = ("fails", "hangs")

Times = dict[str, list[dict[str, float]]]
"""By handler, what each round measured."""

Request = tuple[str, dict[str, Any], float]


def main(repetitions: int) -> None:
    """Measures and tells."""
    print(f"Python {platform.python_version()}, {repetitions} repetitions, {WARM_DECISIONS} warm decisions each")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        decision = _written(folder / "decision.json", cases.told("assistant-request.vapi-number"))
        later = _written(folder / "later.json", cases.told("status-update.in-progress"))
        read = _written(folder / "read.json", cases.asked_for())
        with stub(cases.answers(), folder) as endpoint:
            plain = _asked(CALLS, [decision, decision, later], endpoint)
            requests = _written(folder / "requests.json", _of_the_table(plain[0]))
            _tell_calls(_times(CALLS, decision, WARM_DECISIONS, repetitions, endpoint, requests))
        with stub(cases.answers() | cases.NOTHING_COUNTED, folder) as endpoint:
            requests = _written(folder / "requests.json", _of_the_table(_asked(ACTIONS, [read], endpoint)[0]))
            _tell_action(_times(ACTIONS, read, 0, repetitions, endpoint, requests))
            _tell_decision(run("decision", endpoint=endpoint))
            _tell_year(run("year", endpoint=endpoint))
        with stub(cases.answers(maxConcurrentCalls=5), folder) as endpoint:
            _tell_requests(plain, _asked(CALLS, [decision, decision], endpoint))
        with stub(cases.answers(), folder) as endpoint:
            _tell_outages(decision, endpoint)
        exporting.tell(folder)


def _times(handlers: dict[str, Path], event: str, warm: int, repetitions: int, endpoint: str, requests: str) -> Times:
    """Each time in a process of its own, the handlers in turn. A first round, which compiles byte code, is left out."""
    found: Times = {name: [] for name in handlers}
    for repetition in range(repetitions + 1):
        for name, handler in handlers.items():
            arguments = (str(handler), event, str(warm if repetition else 0))
            times = run("measure", *arguments, endpoint=endpoint, requests=requests)
            if repetition:
                found[name].append(times)
    return found


def _middle(times: Times, name: str, kind: str) -> float:
    return median(each[kind] for each in times[name])


def _ratio(times: Times, name: str, kind: str, to: str = BARE) -> float:
    """To the bare handler, or another, of the same round."""
    return median(each[kind] / bare[kind] for each, bare in zip(times[name], times[to], strict=True))


def _asked(handlers: dict[str, Path], events: list[str], endpoint: str) -> list[list[Request]]:
    """What our handler asks of AWS for each event, one after the other in one instance."""
    asked: list[list[Request]] = run("asked", str(next(iter(handlers.values()))), *events, endpoint=endpoint)
    return asked


def _of_the_table(seen: list[Request]) -> list[tuple[str, dict[str, Any]]]:
    return [(method, parameters) for method, parameters, _ in seen if "secret" not in method]


def _tell_calls(times: Times) -> None:
    heads = f"{'x (a)':>7}" + "x (a')".rjust(8)
    print(f"\n{'one decision, CPU':<28}{'cold ms':>9}{heads}{'warm ms':>10}{heads}")
    for name in times:
        cold, warm = _middle(times, name, "cold"), _middle(times, name, "warm")
        colds, warms = ([_ratio(times, name, kind, to) for to in (BARE, SAME)] for kind in ("cold", "warm"))
        print(f"{name:<28}{cold:>9.0f}{colds[0]:>7.2f}{colds[1]:>8.2f}{warm:>10.2f}{warms[0]:>7.2f}{warms[1]:>8.2f}")
    _judge("cold", _ratio(times, next(iter(CALLS)), "cold"), COLD, "x (a)")
    _judge("warm", _ratio(times, next(iter(CALLS)), "warm"), WARM, "x (a)")


def _tell_action(times: Times) -> None:
    print(f"\n{'an action function, CPU':<28}{'cold ms':>9}{'x (a)':>7}")
    for name in times:
        print(f"{name:<28}{_middle(times, name, 'cold'):>9.0f}{_ratio(times, name, 'cold'):>7.2f}")
    _judge("cold", _ratio(times, next(iter(ACTIONS)), "cold"), ACTION_COLD, "x (a)")


def _tell_decision(percentiles: dict[str, list[float]]) -> None:
    print(f"\n{'decide alone, CPU':<28}{'p50 us':>9}{'p99 us':>9}   of a number with 100,000 blocked callers")
    for rules, (middle, late) in percentiles.items():
        print(f"{rules + ' rules':<28}{middle:>9.0f}{late:>9.0f}")
    _judge("p99", max(late for _, late in percentiles.values()), DECIDE_P99, "us")


def _tell_year(told: dict[str, Any]) -> None:
    cpu, copied, (fewer, more, of_strangers) = told["cpu"], told["copied"], told["pages"]
    print(f"\n{'a year of a million calls':<28}{'CPU s':>9}{'if copied':>11}{'reads':>7}{'of ten million':>16}")
    print(f"{'its analysis':<28}{cpu:>9.1f}{copied:>11.1f}{fewer:>7}{more:>16}")
    print(f"{'  of a million callers':<28}{told['strangers']:>9.1f}{'':>11}{of_strangers:>7}")
    _judge("reads of ten times the calls", more / fewer, YEAR_READS, "x")


def _tell_requests(plain: list[list[Request]], capped: list[list[Request]]) -> None:
    print(f"\n{'requests to AWS':<28}{'reads':>6}{'units':>7}{'writes':>8}{'units':>7}")
    kept = True
    for name, seen, reads, writes in (
        ("a decision", plain[1], 1, 1),
        ("a decision, capped number", capped[1], 1, 2),
        ("a later message", plain[2], 0, 1),
    ):
        read, written = _units(seen, "batch_get_item"), _units(seen, "update_item")
        kept = kept and (len(read), len(written), len(seen)) == (reads, writes, reads + writes)
        print(f"{name:<28}{len(read):>6}{sum(read):>7.1f}{len(written):>8}{sum(written):>7.1f}")
    print(f"  (an instance's first decision: {', '.join(method for method, _, _ in plain[0])})")
    print(
        f"  {'KEPT' if kept else 'MISSED'}: 1 read and 1 write a decision, 2 writes if capped; 1 write a later message"
    )


def _tell_outages(event: str, endpoint: str) -> None:
    """By the clock. An instance that has seen the number decided one call before the table broke down."""
    print(f"\n{'an answer without a table':<40}{'status':>7}{'ms':>7}{'from the start':>17}   median of {OUTAGES}")
    latest = 0.0
    for instance, calls, share in (
        ("has seen the number", 2, 1.0),
        ("new", 1, 1.0),
        (f"new, {LAMBDAS_SHARE} of a core", 1, LAMBDAS_SHARE),
    ):
        for fault in FAULTS:
            seen = [_in_outage(event, endpoint, fault, calls, share) for _ in range(OUTAGES)]
            status, answered, since = (median(each[name] for each in seen) for name in ("status", "answered", "since"))
            print(f"{f'{instance}, table {fault}':<40}{status:>7.0f}{answered:>7.0f}{since:>17.0f}")
            latest = max(latest, answered)
    _judge("answer", latest, ANSWER_MS, "ms")


def _in_outage(event: str, endpoint: str, fault: Fault, calls: int, share: float) -> dict[str, float]:
    """What a fresh process tells whose last call finds no table; each before it has read and written."""
    with running_switch(endpoint) as switch:
        switch.break_down(fault, after=2 * (calls - 1))
        app = str(next(iter(CALLS.values())))
        arguments = (app, event, str(calls), str(time.monotonic()))
        told: dict[str, float] = run("outage", *arguments, endpoint=endpoint, table=switch.url, share=share)
        return told


def _units(seen: list[Request], asked: str) -> list[float]:
    return [units for method, _, units in seen if method == asked]


def _judge(what: str, measured: float, budget: float, unit: str) -> None:
    verdict = "KEPT" if measured <= budget else "MISSED"
    print(f"  {verdict}: {what} {measured:.4g} {unit}, the budget is {budget:g}")


def _written(file: Path, event: Any) -> str:
    file.write_text(json.dumps(event))
    return str(file)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--repetitions", type=int, default=9)
    main(parser.parse_args().repetitions)
