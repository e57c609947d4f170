"""The review page: people decide about drafts in their browser, and the decisions are lines of approvals files."""
