"""Commands and AI answers: durable runs that stream, cite, cost and stop."""
