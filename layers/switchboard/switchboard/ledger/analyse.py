"""What a number's owner asks of its usage, answered from the buckets of the time that is asked about."""

import time

from switchboard.calls.analysis import (
    analysis,
    compared,
    covering,
    hours_of_calls,
    summary,
    window_before,
    with_callers,
)
from switchboard.calls.costs import Tariff
from switchboard.currency import dollar
from switchboard.model.analysis import AnalysisRequest, PhoneAnalytics
from switchboard.store.calls import calls
from switchboard.store.numbers import numbers
from switchboard.store.usage import usage_in_bulk
from switchboard.zones import zone_of


def analyse(number_id: str, business: str, request: AnalysisRequest) -> PhoneAnalytics:
    """Raises NumberNotFound, also for another business's number."""
    record = numbers().get(number_id, business)
    hours = record.number.business_hours
    zone = zone_of(request.timezone or (hours.timezone if hours else None))
    window, tariff = covering(request.from_, request.to), Tariff(record.number.per_minute_cost, dollar())
    buckets = usage_in_bulk()
    ranked = with_callers(window, now=int(time.time()), retention_days=calls().retention_days)
    found = analysis(
        window,
        zone,
        request.group_by,
        buckets.hours(number_id, *hours_of_calls(window)),
        ranked,
        buckets.callers(number_id, *ranked.hours) if ranked is not None else (),
        tariff,
    )
    if request.compare_with_previous:
        earlier = window_before(window, zone)
        previous = summary(earlier, buckets.hours(number_id, *earlier.hours), tariff)
        found["previous"] = {**previous, "change": compared(found["totals"], previous["totals"])}
    return PhoneAnalytics.model_validate(found)
