"""The parts."""
