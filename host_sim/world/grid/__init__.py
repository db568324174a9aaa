"""The low-voltage network: unbalanced phasor power flow in numpy."""
