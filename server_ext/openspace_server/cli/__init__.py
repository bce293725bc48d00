"""The command line ``openspace-widget``."""
