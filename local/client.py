"""Which business an API client of a deployed stack acts for: `make client BUSINESS=acme CLIENT=<app client id>`.

Runs with the operator's own AWS credentials, against their own stack.
"""

import argparse
import re

import boto3

from switchboard.store.clients import bind_client


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--business", required=True, help="letters, digits, - and _")
    parser.add_argument(
        "--client", required=True, help="an app client's id, or the output that holds it (FirstClientId)"
    )
    parser.add_argument("--stack", default="switchboard")
    wanted = parser.parse_args()
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", wanted.business):
        parser.error("a business is named by up to 64 letters, digits, - and _")
    (stack,) = boto3.client("cloudformation").describe_stacks(StackName=wanted.stack)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    client_id = outputs.get(wanted.client, wanted.client)
    bind_client(boto3.resource("dynamodb").Table(outputs["TableName"]), client_id, wanted.business)
    print(f"{client_id} acts for {wanted.business}")


if __name__ == "__main__":
    main()
