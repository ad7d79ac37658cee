"""What it takes to install the application alongside a running OSCAR: made here, put in place by the operator."""
