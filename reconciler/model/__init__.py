"""What a site is, on each of its sides: plain frozen values that import nothing else of ours."""
