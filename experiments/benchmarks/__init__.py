"""Speed and quality benchmarks; each prints the figures that the documentation states."""
