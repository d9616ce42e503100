"""Studies, comparisons and benchmarks behind the documented numbers; run from a checkout."""
