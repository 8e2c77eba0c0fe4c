"""What hpsearch is measured by: `python -m tests.benchmarks`. Ratios are taken side by side in one run."""
