"""The remote API over HTTP: live sites -> ObservedSite, and an operation -> requests."""
