"""Put the inputs and outputs of a converted model in the order that the Keras model has them in."""

import tflite


def in_order(data: bytes) -> bytes:
    """Return the file with its ports in the order of their names in the signature.

    The converter sorts them by where the graph uses them; the names are numbered.
    """
    changed = bytearray(data)
    model = tflite.Model.GetRootAsModel(changed, 0)
    if model.SignatureDefsLength() != 1:
        return data
    graph, signature = model.Subgraphs(0), model.SignatureDefs(0)
    inputs = [signature.Inputs(i) for i in range(signature.InputsLength())]
    outputs = [signature.Outputs(i) for i in range(signature.OutputsLength())]
    for ports, named in ((graph.InputsAsNumpy(), inputs), (graph.OutputsAsNumpy(), outputs)):
        numbers = [each.TensorIndex() for each in sorted(named, key=_place)]
        if sorted(numbers) == sorted(ports.tolist()):
            ports[:] = numbers  # a view of the file's bytes
    return bytes(changed)


def _place(port: tflite.TensorMap) -> tuple[int, bytes]:
    return len(port.Name()), port.Name()
