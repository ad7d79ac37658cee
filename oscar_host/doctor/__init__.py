"""`cpar doctor`: what is wrong with a host, and how it is mended. OSCAR's part; the plugins bring their own checks."""
