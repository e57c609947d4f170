"""What a site is, on each of its sides, and the words that all parts share: plain values that import nothing of ours."""
