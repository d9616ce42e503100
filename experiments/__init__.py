"""Studies, comparisons and benchmarks behind the documented numbers; run from a checkout."""

from gmae_tf.utils.interrupts import quiet_start

quiet_start()
