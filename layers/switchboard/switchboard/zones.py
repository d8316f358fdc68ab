"""The time zone in which a number's days and months run."""

import os
from zoneinfo import ZoneInfo


def zone_of(hours_zone: str | None) -> ZoneInfo:
    """The business hours' zone (an IANA name); of a number without hours the deployment's."""
    return ZoneInfo(hours_zone or os.environ["TIME_ZONE"])
