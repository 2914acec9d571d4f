"""The inference engine of web processes and commands; no TensorFlow, no Django."""
