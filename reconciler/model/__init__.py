"""What a site is on each of its sides, and the types that all parts share: frozen values that import no other part."""
