"""What other services start their own projections from. Internal: the gateway never routes it."""
