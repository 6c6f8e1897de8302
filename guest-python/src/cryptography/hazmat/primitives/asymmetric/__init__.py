"""Pairs of keys."""
