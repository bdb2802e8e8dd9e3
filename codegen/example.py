"""The files that a user makes his own: main.c of --app none, hooks.c of --app sleep."""

from dataclasses import dataclass

from tinykit.codegen.c import C_TYPES
from tinykit.codegen.names import model_name
from tinykit.codegen.render import render
from tinykit.core.graph import Graph


@dataclass(frozen=True, slots=True)
class _Port:
    """Hold an input or output as the model's header names it."""

    name: str
    macro: str
    c_type: str


def example_files(graph: Graph, source: str, version: str) -> dict[str, str]:
    """Return main.c, by file name.

    Args:
        graph: the model.
        source: its file name without a folder.
        version: of tinykit.
    """
    name = model_name(source)
    main = render(
        "main.c.j2",
        name=name,
        macro=name.upper(),
        version=version,
        inputs=_inputs(graph),
        output=_port(graph, graph.outputs[0], "output", 0),
        stateful=bool(graph.states),
    )
    return {"main.c": main}


def hooks_files(graph: Graph, source: str, version: str) -> dict[str, str]:
    """Return hooks.c, by file name; the arguments are those of example_files."""
    name = model_name(source)
    hooks = render(
        "hooks.c.j2",
        name=name,
        macro=name.upper(),
        version=version,
        inputs=_inputs(graph),
        output=_port(graph, graph.outputs[0], "output", 0),
    )
    return {"hooks.c": hooks}


def _inputs(graph: Graph) -> list[_Port]:
    return [_port(graph, number, "input", i) for i, number in enumerate(graph.inputs)]


def _port(graph: Graph, number: int, role: str, position: int) -> _Port:
    label = f"{role}_{position}" if position else role
    return _Port(label, label.upper(), C_TYPES[graph.tensors[number].dtype])
