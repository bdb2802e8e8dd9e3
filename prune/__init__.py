"""Prune Keras networks and convert them to int8 .tflite models."""
