"""The scene graph of the embedded engine as OpenSpace's API shows it."""
