"""Pure: (desired, observed, recorded, options) -> Plan. Nothing here reads, writes or asks for the time."""
