"""A stand-in for Bandwidth: its Numbers API, whose orders are carried out when a test lets them.

>>> with BandwidthSimulator(order_seconds=0) as bandwidth:
...     bandwidth.hold_orders()
"""

from local.simulators.bandwidth.server import BandwidthSimulator

__all__ = ["BandwidthSimulator"]
