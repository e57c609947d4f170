"""The three sides of a site, and the types that all parts share: frozen values that import no other part."""
