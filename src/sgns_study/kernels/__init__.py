"""The engine. Skip it at first: tests hold every kernel equal to the plain reference."""
