"""Panda3D: canvas, shading, meshes, textures."""
