"""Live delivery: one stream of events per person, resumable, never a silent hole."""
