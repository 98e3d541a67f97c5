"""`python -m scoring`: the same as the `autovi` command."""

import sys

from scoring.cli import main

sys.exit(main())
