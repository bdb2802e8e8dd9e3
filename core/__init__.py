"""What two or more rooms share: errors, the graph, the fixed-point rule, boards, data sets."""
