"""`python -m syncer`: the same as the console script."""

import sys

from syncer.cli import main

sys.exit(main())
