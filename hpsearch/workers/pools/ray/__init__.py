"""Pools of Ray actors: the only room that imports ray, beside one adapter of trainers."""

import os

# Before ray is imported: no usage statistics, no tips on stderr.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
# What a trainer's libraries print past Python goes into Ray's own files, which otherwise grow for ever.
os.environ.setdefault("RAY_ROTATION_MAX_BYTES", str(4 << 20))
os.environ.setdefault("RAY_ROTATION_BACKUP_COUNT", "1")
