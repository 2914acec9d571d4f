"""The parts of the benchmark of classifying: what it serves, what asks, and what is measured."""
