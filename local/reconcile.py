"""What differs between carriers, Vapi and the table of a deployed stack: `make reconcile`, `make reconcile DRY_RUN=1`.

Runs the stack's own function with the operator's AWS credentials, and prints its report by class. Exit 1 if there is
still a difference; numbers of the account that are none of the deployment's are told, and are none.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

# The function may take its fifteen minutes, and is not to be run twice at a time.
PATIENT = Config(connect_timeout=5, read_timeout=910, retries={"total_max_attempts": 1})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="change nothing")
    parser.add_argument("--stack", default="switchboard")
    wanted = parser.parse_args()
    resource = boto3.client("cloudformation").describe_stack_resource(
        StackName=wanted.stack, LogicalResourceId="ReconcileFunction"
    )
    answer = boto3.client("lambda", config=PATIENT).invoke(
        FunctionName=resource["StackResourceDetail"]["PhysicalResourceId"],
        Payload=json.dumps({"dryRun": wanted.dry_run}).encode(),
    )
    report = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        sys.exit(f"The function failed: {report.get('errorMessage')}")
    print("\n".join(told(report)))
    sys.exit(report["left"] > 0)


def told(report: Mapping[str, Any]) -> list[str]:
    """The report in lines: the classes, then each finding."""
    mode = "a dry run, nothing was changed" if report["dryRun"] else "differences are put right where that is safe"
    lines = [f"{report['numbers']} numbers compared ({mode})"]
    if not report["findings"]:
        return [*lines, "Nothing differs."]
    lines += [
        f"  {kind:<20} {count['found']:>5} found {count['done']:>5} done" for kind, count in report["classes"].items()
    ]
    for finding in report["findings"]:
        mark = "done" if finding["done"] else "left"
        lines.append(f"  {mark}  {finding['kind']:<20} {finding['subject']}: {finding['detail']}")
    return lines


if __name__ == "__main__":
    main()
