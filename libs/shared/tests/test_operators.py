"""What every operator's command does, whatever it is about."""

import os
import subprocess
import sys

PRINTS = """
import sys
from tertulia_shared.operators import output
from tertulia_shared.operators.command import finish

async def work():
    for number in range(100_000):
        output.line(str(number))
    return 0

sys.exit(finish(work(), as_json=False))
"""


def test_a_reader_who_has_seen_enough_ends_it_without_a_word():
    """`tertulia relay status | head`."""
    reading, writing = os.pipe()
    process = subprocess.Popen([sys.executable, "-c", PRINTS], stdout=writing, stderr=subprocess.PIPE)
    os.close(writing)
    assert os.read(reading, 4).startswith(b"0\n")
    os.close(reading)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (141, b"")
