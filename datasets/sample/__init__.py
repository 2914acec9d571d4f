"""The synthetic sample: figure panels of the five classes, drawn, with errors planted and recorded."""
