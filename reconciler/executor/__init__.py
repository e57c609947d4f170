"""Plan -> changes made, and a ledger of what was done, what not, and what is not known."""
