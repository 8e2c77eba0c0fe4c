"""A trainer's module that ends the process on import."""

import os

os._exit(7)
