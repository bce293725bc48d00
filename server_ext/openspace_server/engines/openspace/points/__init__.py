"""Point clouds as nodes and files of OpenSpace."""
