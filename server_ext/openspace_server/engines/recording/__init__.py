"""Session recordings in OpenSpace's ASCII format (``.osrectxt``)."""
