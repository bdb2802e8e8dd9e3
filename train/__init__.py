"""Train Keras networks: built-in tasks, fitting, and the meter of what training costs."""
