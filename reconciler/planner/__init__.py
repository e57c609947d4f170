"""Pure functions: (desired, observed, recorded, options) -> Plan. Nothing here does I/O or reads the clock."""
