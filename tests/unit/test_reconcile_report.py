"""What `make reconcile` prints of a comparison."""

from local.reconcile import told


def test_a_report_is_told_by_class_and_then_finding_by_finding() -> None:
    drift = {"kind": "drift", "subject": "pn_1", "detail": "server URL, assistant", "done": True}
    orphan = {"kind": "orphan-at-carrier", "subject": "+14155550100 at twilio", "detail": "of pn_2", "done": False}
    report = {
        "dryRun": False,
        "numbers": 2,
        "classes": {"drift": {"found": 1, "done": 1}, "orphan-at-carrier": {"found": 1, "done": 0}},
        "findings": [drift, orphan],
    }
    assert told(report) == [
        "2 numbers compared (differences are put right where that is safe)",
        "  drift                    1 found     1 done",
        "  orphan-at-carrier        1 found     0 done",
        "  done  drift                pn_1: server URL, assistant",
        "  left  orphan-at-carrier    +14155550100 at twilio: of pn_2",
    ]


def test_a_report_without_findings_says_that_nothing_differs_and_whether_it_was_a_dry_run() -> None:
    report = {"dryRun": True, "numbers": 7, "classes": {}, "findings": []}
    assert told(report) == ["7 numbers compared (a dry run, nothing was changed)", "Nothing differs."]
