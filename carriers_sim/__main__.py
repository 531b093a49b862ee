"""`python -m carriers_sim` is `carriers-sim`."""

import sys

from carriers_sim.cli import main

sys.exit(main())
