"""A stand-in for Vonage: its Numbers API.

>>> with VonageSimulator() as vonage:
...     vonage.take("+14155550100")
"""

from local.simulators.vonage.server import VonageSimulator

__all__ = ["VonageSimulator"]
