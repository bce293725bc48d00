"""The scene graph of the embedded engine under OpenSpace's names: nodes, assets, engine properties."""
