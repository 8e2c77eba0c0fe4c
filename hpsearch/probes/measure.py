"""Every probe by its kind."""

from hpsearch.probes import lr_range, predict, preflight
from hpsearch.probes.values import Bench, Found, LrRange, Predict, Preflight, Probe


def measure(order: Probe, bench: Bench) -> Found:
    match order:
        case Preflight():
            return preflight.measure(order, bench)
        case LrRange():
            return lr_range.measure(order, bench)
        case Predict():
            return predict.measure(order, bench)
