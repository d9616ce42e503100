"""Chemistry by RDKit: properties, constraints, descriptors, graph edits, metrics, drawing."""
