"""What the numbers say: five reports over one workspace and a range of time, as JSON and as CSV.

Every bucket of the range is there, also the empty ones. Numbers are about the whole workspace, as every member may know
them; names are only of channels that the caller may read.
"""
