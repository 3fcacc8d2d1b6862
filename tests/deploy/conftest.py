"""What is shipped, held against the code that it starts. Needs no engine and no cluster."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]

# The tools read the same files for people; the tests use the same readers.
sys.path.insert(0, str(REPOSITORY / "tools"))
