"""What the labs need: checks that name the likely mistake, one module a lab."""
