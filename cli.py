"""The door for machines: ``beatwise``. The commands are in ``commands/``; here an expected error becomes one message.

Exit codes: 0 success, 2 bad use or bad input with one message on stderr. Output files appear whole or not at all.
"""

from __future__ import annotations

import sys

# isort: off
# In the order in which `beatwise --help` lists them: data in, advice out, the desk, the checks.
from commands import data_in, advice_out, reproduce, places_out, desk, scorecard, simulate  # noqa: F401
from commands.shell import app

# isort: on
from data.errors import BeatwiseError


def main() -> None:
    """Run the command line; turn an expected error into one message and exit code 2."""
    try:
        app()
    except BeatwiseError as error:
        sys.stderr.write(f"beatwise: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
