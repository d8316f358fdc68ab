"""Whether usage is the sum of its calls: `make recount NUMBER=pn_...`, or BUSINESS=acme for all numbers of a business.

Reads and compares, and changes nothing; ends with 1 if there are differences. With REPAIR=1 the calls whose last change
has not been counted are counted first, as the stream's consumer does it, so that one that comes late after all changes
nothing. Runs with the operator's own AWS credentials, against their own stack. A call that is counted between two reads
shows as a difference: run it again.
"""

import argparse
import sys
import time
from collections.abc import Iterator

import boto3

from local.recounting import Recount, recounted, report
from switchboard.errors import NumberNotFound
from switchboard.model.number import VapiPhoneNumber
from switchboard.store.calls import Calls
from switchboard.store.dynamo import Table
from switchboard.store.numbers import Numbers
from switchboard.store.usage import Usage

_PAGE = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--number", help="a number's id")
    wanted.add_argument("--business", help="all its numbers")
    parser.add_argument("--repair", action="store_true", help="count what has not been counted")
    parser.add_argument("--stack", default="switchboard")
    asked = parser.parse_args()
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=asked.stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
    table = Table(boto3.client("dynamodb"), outputs["TableName"])
    numbers = Numbers(table)
    try:
        found = [numbers.get(asked.number).number] if asked.number else list(numbers_of(numbers, asked.business))
    except NumberNotFound:
        parser.error(f"there is no number {asked.number}")
    differ = False
    for number in found:
        name = f"{number.id} {number.phone_number or '(no number yet)'}"
        result = recount(table, number, int(parameters["CallRetentionDays"]), int(time.time()))
        if asked.repair and result.behind:
            print(f"{name}: counted again: {', '.join(repaired(table, result)) or 'nothing'}")
            result = recount(table, number, int(parameters["CallRetentionDays"]), int(time.time()))
        print(report(name, result))
        differ = differ or bool(result.differences)
    sys.exit(1 if differ else 0)


def numbers_of(numbers: Numbers, business: str) -> Iterator[VapiPhoneNumber]:
    """All numbers of a business, those that are cancelled too."""
    after = None
    while True:
        page = numbers.page(business, _PAGE, after, {})
        yield from (record.number for record in page.records)
        after = page.last_key
        if after is None:
            return


def recount(table: Table, number: VapiPhoneNumber, retention_days: int, now: int) -> Recount:
    """Compares a number's usage with its calls as they are in the table. now: Unix seconds."""
    usage = Usage(table)
    return recounted(
        Calls(table, retention_days).of_number(number.id),
        usage.receipts(number.id),
        usage.buckets(number.id),
        created=number.created,
        now=now,
        retention_days=retention_days,
    )


def repaired(table: Table, result: Recount) -> list[str]:
    """Counts the calls that are behind; the ids of those that nobody else has counted meanwhile."""
    usage = Usage(table)
    return [call["callId"] for call in result.behind if usage.count(dict(call))]


if __name__ == "__main__":
    main()
