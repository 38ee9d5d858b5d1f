"""Scans as pictures without a screen: points joined to surfaces, lit, coloured by what was found, and painted."""
