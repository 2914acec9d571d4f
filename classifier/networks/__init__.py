"""The networks: the only place that imports Keras and TensorFlow. This file and `config`, `errors` do not."""
