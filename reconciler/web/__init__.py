"""The review page: people decide about drafts in their browser, and the decisions become lines of approvals files."""
