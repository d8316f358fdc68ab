"""What the numbers of one business may cost a month: `make budget BUSINESS=acme CENTS=5000`; no CENTS takes it away.

Runs with the operator's own AWS credentials, against their own stack.
"""

import argparse
from decimal import Decimal

import boto3

from switchboard.store.budgets import set_limit
from switchboard.store.dynamo import Table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--business", required=True)
    parser.add_argument("--cents", default="", help="cents a month; empty: the deployment's parameter holds again")
    parser.add_argument("--stack", default="switchboard")
    wanted = parser.parse_args()
    if wanted.cents and not wanted.cents.isdigit():
        parser.error("CENTS is a whole number of cents a month")
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=wanted.stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    cents = Decimal(wanted.cents) if wanted.cents else None
    set_limit(Table(boto3.client("dynamodb"), outputs["TableName"]), wanted.business, cents)
    print(f"{wanted.business}: {'as the deployment has it' if cents is None else f'{cents} cents a month'}")


if __name__ == "__main__":
    main()
