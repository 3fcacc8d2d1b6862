"""Everything a client needs to paint a workspace, and the place in the event stream to go on from."""
