"""What a site is, on each of its sides, and the words all parts share: frozen values that import nothing of ours."""
