"""Graphics on Panda3D: canvas, views, shading, meshes, textures."""
