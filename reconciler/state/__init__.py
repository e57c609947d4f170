"""What is remembered between runs: recorded sites with their journals, leases, spent plans and run ledgers."""
