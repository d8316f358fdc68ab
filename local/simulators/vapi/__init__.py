"""A stand-in for Vapi: its REST API, its server messages, and telephone calls on demand.

>>> with VapiSimulator(api_key="k", activation_seconds=0) as vapi:
...     story = vapi.ring(to="+17015550100", caller="+12025550123")
"""

from local.simulators.faults import Fault
from local.simulators.vapi.delivery import Delivery
from local.simulators.vapi.errors import CannotRing
from local.simulators.vapi.script import BEHAVIOURS, Callee, Ring
from local.simulators.vapi.server import VapiSimulator

__all__ = ["BEHAVIOURS", "Callee", "CannotRing", "Delivery", "Fault", "Ring", "VapiSimulator"]
