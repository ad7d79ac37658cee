"""What it takes to install the application beside a running OSCAR: made here, put in place by the operator."""
