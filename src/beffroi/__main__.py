from __future__ import annotations

import sys

from beffroi.site.cli import main

sys.exit(main())
