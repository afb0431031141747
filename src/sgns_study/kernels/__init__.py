"""The engine, to be skipped at a first reading: tests hold it equal to the plain reference."""
