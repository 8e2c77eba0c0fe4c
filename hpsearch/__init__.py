"""hpsearch: a hyperparameter search that is run like an experiment.

What a trainer imports is here; everything else is reached through the command line or its own module.
"""

from hpsearch.run import Run
from hpsearch.trial import Report

__all__ = ["Report", "Run", "__version__"]
__version__ = "0.1.0"
