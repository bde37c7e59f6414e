"""The sample film: a real shot list, made through the HTTP API like any other film."""
