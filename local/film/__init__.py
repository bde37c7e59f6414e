"""The sample film: a real shot list, uploaded and made like any other film."""
