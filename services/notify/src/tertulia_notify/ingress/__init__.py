"""How events come in: one subscription whose contiguity is proven, repaired from the stream, or given up honestly."""
