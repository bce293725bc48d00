"""Command line ``openspace-widget``."""
