"""One module an operator: how it is read, checked, computed in NumPy and lowered to a call."""
