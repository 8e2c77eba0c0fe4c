"""Pools of Ray actors. Only this package and trainer/adapters/ray_tune.py import ray."""

import logging
import os

# Before ray is imported: no usage statistics, no tips on stderr.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
# Output of a trainer's C libraries goes into Ray's log files, which have no limit by default.
os.environ.setdefault("RAY_ROTATION_MAX_BYTES", str(4 << 20))
os.environ.setdefault("RAY_ROTATION_BACKUP_COUNT", "1")
# In a notebook without ipywidgets, the import of ray logs that they are missing.
logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
