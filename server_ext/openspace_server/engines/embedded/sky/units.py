"""Units of astronomy in metres, seconds and days."""

AU = 149_597_870_700.0
DAY = 86_400.0
J2000 = 2_451_545.0
"""Julian day of 2000-01-01T12:00."""
PARSEC = 3.0856775814913673e16
