"""One module per verb. A use case takes its ports as keyword arguments and knows no AWS."""
