"""The logs of a run: kept when the run is over, the newest fifty."""

import shutil
from datetime import datetime
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import Aws
from local.paths import LOGS

KEPT = 50


def new_log_folder(purpose: str) -> Path:
    """An empty folder for the logs of a run that starts now; folders of old runs go."""
    LOGS.mkdir(parents=True, exist_ok=True)
    for old in sorted(LOGS.iterdir(), key=lambda folder: folder.stat().st_mtime)[: 1 - KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    started = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S-%f")
    folder = LOGS / f"{purpose}-{started}"
    folder.mkdir()
    return folder


def save_function_logs(aws: Aws, folder: Path) -> None:
    """Writes what each function logged (CloudWatch Logs) to a file of its own; nothing when the emulator is gone."""
    client = aws.session.client("logs", endpoint_url=aws.endpoint_url)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/lambda/"):
            for group in page["logGroups"]:
                name = group["logGroupName"]
                with (folder / f"{name.rsplit('/', 1)[-1]}.log").open("w") as file:
                    for events in client.get_paginator("filter_log_events").paginate(logGroupName=name):
                        file.writelines(f"{event['message'].rstrip()}\n" for event in events["events"])
    except (BotoCoreError, ClientError):
        return
