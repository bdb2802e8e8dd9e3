"""A cell clip of less than a step keeps the cells at 0; the C took it for no clip."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from batch import Run, draw_cases, host_outputs
from cases import lstm
from flat import to_bytes

from tinykit.codegen import reference
from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions


def test_cells_are_clipped_to_nothing(tmp_path: Path, kernels: list[Path]) -> None:
    case = draw_cases(lstm(), 1)[0]
    operators = []
    for operator in case.model.operators:
        assert operator.options is not None
        fields = tuple((k, 1e-9 if k == "CellClip" else v) for k, v in operator.options.fields)
        operators.append(replace(operator, options=replace(operator.options, fields=fields)))
    data = to_bytes(replace(case.model, operators=tuple(operators)))
    model = compile_model(data, "clipped.tflite", "0.0.0", LowerOptions())
    expected = reference.run_batch(model.graph, case.inputs)
    found = host_outputs([Run(model, case.inputs)], tmp_path, kernels, 1)
    np.testing.assert_array_equal(found[0][0], expected[0])
    assert len(np.unique(expected[0])) == 1
