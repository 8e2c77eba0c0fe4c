"""Every probe by its kind."""

from hpsearch.evaluation import predict
from hpsearch.preflight.measure import learning, lr_sweep
from hpsearch.preflight.measurements import Bench, Found, LrRange, Predict, Preflight, Probe


def measure(order: Probe, bench: Bench) -> Found:
    match order:
        case Preflight():
            return learning.measure(order, bench)
        case LrRange():
            return lr_sweep.measure(order, bench)
        case Predict():
            return predict.measure(order, bench)
