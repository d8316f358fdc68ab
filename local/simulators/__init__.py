"""Stand-ins for the vendors that Switchboard talks to; each speaks its vendor's wire format on loopback."""
