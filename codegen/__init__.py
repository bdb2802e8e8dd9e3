"""Compile an int8 .tflite model to C: import, check, plan, encode, emit."""
