"""Chemistry by RDKit: properties, constraints, descriptors, graph edits, sample metrics, drawing."""
