"""The class: JupyterHub, its people, their files, and the way assignments travel."""
