"""What scores mean beyond the images they were counted on; NumPy alone, no Django, no TensorFlow."""
