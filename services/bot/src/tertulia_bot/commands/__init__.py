"""What people type after a `/`: parsed, described, and turned into a run or an answer at once."""
