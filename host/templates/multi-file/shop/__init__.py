"""The parts of the connector."""
