"""The engine: skip it at a first reading; the tests hold every kernel equal to the plain reference."""
