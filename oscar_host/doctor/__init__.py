"""`cpar doctor`: what is wrong with a host, and how to fix it. OSCAR's part; the plugins bring their own checks."""
