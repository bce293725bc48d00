"""``POST /offer``: frames of points over WebRTC without Jupyter."""
