"""Results tables: our schema, readers for other tables, and the panel that the statistics read."""

from uqs.results.schema import KEY, SCHEMA, Row, check, metadata, read, write

__all__ = ["KEY", "SCHEMA", "Row", "check", "metadata", "read", "write"]
