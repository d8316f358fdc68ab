"""Switchboard: the control plane for the phone numbers of Vapi voice assistants."""
