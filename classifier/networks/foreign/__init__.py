"""Networks trained elsewhere: their weights are read as plain numbers and fitted into networks built here."""
