"""The remote API over HTTP: live sites -> ObservedSite, and an operation -> requests.

Marks and section numbers such as (D 6.2), (I) or (17.1) refer to docs/remote-api.md.
"""
