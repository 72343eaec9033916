"""The stand-alone verifier that goes into every evidence bundle."""
