"""A stand-in for Twilio: search, purchase, configuration, release and prices of phone numbers.

>>> with TwilioSimulator() as twilio:
...     carrier = Twilio.connect(twilio.credentials, twilio.url, twilio.url)
"""

from local.simulators.twilio.server import TwilioSimulator

__all__ = ["TwilioSimulator"]
