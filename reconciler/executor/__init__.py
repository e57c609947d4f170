"""Plan -> changes made, and a ledger of what was done, what was not, and what is not known."""
