"""Write a planned program as C: the model, its header, and what joins it to an application."""

import json
from dataclasses import dataclass

import numpy as np

from tinykit.codegen.c import C_TYPES
from tinykit.codegen.layer import Field, Layer, Table
from tinykit.codegen.lower import Program
from tinykit.codegen.plan import Plan
from tinykit.codegen.render import render
from tinykit.core.graph import State, Tensor
from tinykit.core.units import bytes_text, grouped

KERNEL_ABI = 2
PLAN_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Fact:
    """Hold one #define of a port."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Port:
    """Hold an input or output of the model as its C interface shows it."""

    name: str
    macro: str
    comment: str
    bytes: int
    offset: int
    const: str
    c_type: str
    expression: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Hold one statement of invoke."""

    kernel: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _StateArray:
    """Hold a state as the template shows it."""

    name: str
    c_type: str
    count: int
    comment: str
    initial: Table | None
    reset: Call


@dataclass(frozen=True, slots=True)
class _Shown:
    """Hold a layer as the template shows it."""

    name: str
    summary: str
    record: str
    fields: tuple[Field, ...]
    tables: tuple[Table, ...]


def emit(program: Program, plan: Plan, name: str, source: str, version: str) -> dict[str, str]:
    """Return the generated files by name.

    Args:
        program: the kernel calls.
        plan: the arena.
        name: the model's C name, which prefixes every symbol.
        source: the file's name that the model came from, without a folder.
        version: tinykit's.
    """
    ports = _ports(program, plan, name)
    states = _states(program)
    common = {"name": name, "version": version, "arena_bytes": plan.arena_bytes}
    inputs, outputs = len(program.graph.inputs), len(program.graph.outputs)
    rows = [_port_row(port, name) for port in ports]
    return {
        f"{name}.c": render(
            "model.c.j2",
            **common,
            source=source,
            summary=_summary(program),
            abi=KERNEL_ABI,
            digest=program.digest,
            map_rows=_map_rows(plan),
            layers=[_shown(program, plan, i) for i in range(len(program.layers))],
            calls=[_call(program, plan, i) for i in range(len(program.layers))],
            ports=ports,
            states=list(states.values()),
        ),
        f"{name}.h": _header(program, plan, name, source, version),
        "app_model.c": render(
            "app_model.c.j2",
            **common,
            inputs=rows[:inputs],
            outputs=rows[inputs : inputs + outputs],
            layers=len(program.layers),
            stateful=bool(states),
        ),
        "plan.json": json.dumps(plan_record(program, plan, name), indent=1) + "\n",
    }


def _header(program: Program, plan: Plan, name: str, source: str, version: str) -> str:
    return render(
        "model.h.j2",
        name=name,
        version=version,
        arena_bytes=plan.arena_bytes,
        source=source,
        macro=name.upper(),
        ports=_ports(program, plan, name),
        input_fate=_input_fate(program, plan),
        state_bytes=state_bytes(program),
    )


def plan_record(program: Program, plan: Plan, name: str) -> dict[str, object]:
    """Return what plan.json says."""
    return {
        "schema": PLAN_SCHEMA,
        "model": name,
        "digest": program.digest,
        "arena_bytes": plan.arena_bytes,
        "least_bytes": plan.least_bytes,
        "proven": plan.proven,
        "state_bytes": state_bytes(program),
        "removed_channels": program.removed_channels,
        "left_out_layers": list(program.left_out),
        "slots": [
            {
                "name": slot.name,
                "offset": slot.offset,
                "bytes": slot.bytes,
                "first_layer": slot.first,
                "last_layer": slot.last,
                "tensors": [program.graph.tensors[n].name for n in slot.tensors],
            }
            for slot in plan.slots
        ],
        "layers": [
            {
                "name": layer.name,
                "op": layer.kind,
                "kernel": layer.kernel,
                "macs": layer.macs,
                "removed_channels": layer.removed_channels,
                "encoding": layer.encoding,
                "reason": layer.reason,
                "table_bytes": {t.name: t.bytes for t in tables(program, layer)},
                "outputs": [_placed(program, plan, n) for n in layer.outputs if n in plan.offsets],
            }
            for layer in program.layers
        ],
    }


def tables(program: Program, layer: Layer) -> tuple[Table, ...]:
    """Return all constants of a layer: its tables, and inputs that are constant."""
    constants = []
    for position, number in enumerate(layer.inputs):
        data = program.graph.tensors[number].data
        if data is not None:
            constants.append(Table(f"input{position}", np.asarray(data), "weights"))
    return (*layer.tables, *constants)


def state_bytes(program: Program) -> int:
    """Return what all states take beside the arena."""
    return sum(program.graph.tensors[state.tensor].bytes for state in program.graph.states)


def _states(program: Program) -> dict[int, _StateArray]:
    """Name each state after the layer that assigns it, or else the first that has it."""
    users: dict[int, str] = {}
    for layer in sorted(program.layers, key=lambda layer: layer.kind != "ASSIGN_VARIABLE"):
        for number in (*layer.inputs, *layer.outputs):
            users.setdefault(program.in_state.get(number, number), layer.name)
    found: dict[int, _StateArray] = {}
    for state in program.graph.states:
        if state.tensor in users:
            earlier = sum(users[n] == users[state.tensor] for n in found)
            name = f"{users[state.tensor]}_state" + (f"_{earlier}" if earlier else "")
            found[state.tensor] = _state(program, state, name)
    return found


def _state(program: Program, state: State, name: str) -> _StateArray:
    tensor = program.graph.tensors[state.tensor]
    raw = state.initial.tobytes()
    shape = " x ".join(str(length) for length in tensor.shape)
    reset = Call("tk_fill", (name, f"sizeof {name}", str(raw[0])))
    initial = None
    if raw != raw[:1] * len(raw):
        initial = Table(f"{name}_initial", state.initial, "weights")
        reset = Call("tk_copy_bytes", (name, initial.name, f"sizeof {name}"))
    return _StateArray(
        name, C_TYPES[tensor.dtype], tensor.elements, f"{tensor.dtype} {shape}", initial, reset
    )


def _placed(program: Program, plan: Plan, number: int) -> dict[str, object]:
    tensor = program.graph.tensors[number]
    return {
        "tensor": number,
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "offset": plan.offsets[number],
        "bytes": tensor.bytes,
    }


def _shown(program: Program, plan: Plan, index: int) -> _Shown:
    layer = program.layers[index]
    fields = _directed(layer.fields, plan.backward[index])
    return _Shown(layer.name, layer.summary, layer.record, fields, tables(program, layer))


def _directed(fields: tuple[Field, ...], backward: bool) -> tuple[Field, ...]:
    """Write the direction that the plan needs into the record."""
    directed: list[Field] = []
    for name, value in fields:
        if isinstance(value, tuple):
            directed.append((name, _directed(value, backward)))
        else:
            directed.append((name, int(backward) if name == "backward" else value))
    return tuple(directed)


def _summary(program: Program) -> list[str]:
    all_tables = [t for layer in program.layers for t in tables(program, layer)]
    by_role = {role: sum(t.bytes for t in all_tables if t.role == role) for role in _ROLE_NAMES}
    parts = [f"{grouped(b)} of {_ROLE_NAMES[role]}" for role, b in by_role.items() if b]
    macs = sum(layer.macs for layer in program.layers)
    total = sum(by_role.values())
    lines = [
        f"{len(program.layers)} layers, {grouped(macs)} multiply-accumulates if dense;",
        f"tables: {bytes_text(total)}: {', '.join(parts)}.",
    ]
    if program.removed_channels:
        lines.append(f"Channels left out, since nothing needs them: {program.removed_channels}.")
    if program.left_out:
        lines.append(f"Layers left out: {len(program.left_out)}; plan.json names them.")
    return lines


_ROLE_NAMES = {
    "weights": "weights",
    "indices": "indices",
    "bias": "biases",
    "requantization": "requantization",
}


def _map_rows(plan: Plan) -> list[str]:
    return [
        f"{slot.offset:8d} .. {slot.offset + slot.bytes:8d}  {_life(slot.first, slot.last):>9}  "
        f"{slot.name}"
        for slot in plan.slots
    ]


def _life(first: int, last: int) -> str:
    return f"{max(first, 0)} to {last}"


def _call(program: Program, plan: Plan, index: int) -> Call:
    layer, states = program.layers[index], _states(program)
    arguments = [f"&{layer.name}"]
    numbers = (*layer.inputs, *layer.outputs)
    starts = layer.starts or (0,) * len(numbers)
    for position, (number, start) in enumerate(zip(numbers, starts, strict=True)):
        if program.graph.tensors[number].data is not None:
            arguments.append(f"{layer.name}_input{position}")
        elif number in states:
            arguments.append(states[number].name)
        elif number in program.in_state:
            array = _bytes_of(states[program.in_state[number]])
            arguments.append(f"{array} + {start}" if start else array)
        else:
            arguments.append(f"arena + {plan.offsets[number] + start}")
    if layer.takes_scratch:
        offset = plan.scratch[index]
        arguments.append("0" if offset is None else f"arena + {offset}")
    return Call(layer.kernel, tuple(arguments))


def _bytes_of(state: _StateArray) -> str:
    """Give a state as the arena gives its tensors."""
    return state.name if state.c_type == "int8_t" else f"(const int8_t *){state.name}"


def _ports(program: Program, plan: Plan, name: str) -> list[Port]:
    graph = program.graph
    inputs = [
        _port(graph.tensors[n], plan.offsets[n], name, "input", i, "")
        for i, n in enumerate(graph.inputs)
    ]
    outputs = [
        _port(graph.tensors[n], plan.offsets[n], name, "output", i, "const ")
        for i, n in enumerate(graph.outputs)
    ]
    return [*inputs, *outputs]


def _port(tensor: Tensor, offset: int, name: str, role: str, position: int, const: str) -> Port:
    label = role if position == 0 else f"{role}_{position}"
    address = f"{name}_arena + {offset}"
    c_type = C_TYPES[tensor.dtype]
    if tensor.dtype != "int8":
        address = (
            f"({const}{c_type} *)(const void *)({address})"
            if const
            else (f"({c_type} *)(void *)({address})")
        )
    shape = " x ".join(str(length) for length in tensor.shape) or "1"
    comment = f"{label.capitalize().replace('_', ' ')}: {tensor.dtype} {shape}"
    facts: tuple[Fact, ...] = ()
    if tensor.quantization is not None:
        comment += ", real = scale * (value - zero point)"
        facts = (
            Fact("SCALE", f"{tensor.scale!r}f"),
            Fact("ZERO_POINT", str(tensor.zero_point)),
        )
    return Port(
        label, label.upper(), comment + ".", tensor.bytes, offset, const, c_type, address, facts
    )


def _port_row(port: Port, name: str) -> tuple[str, int]:
    return (f"(uint8_t *){name}_arena + {port.offset}", port.bytes)


def _input_fate(program: Program, plan: Plan) -> str:
    end = len(program.layers)
    kept = all(
        slot.last == end for slot in plan.slots if set(slot.tensors) & set(program.graph.inputs)
    )
    return "the input is kept." if kept else "inference destroys the input."
