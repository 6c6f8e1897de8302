"""The parts, for those who know what they do."""
