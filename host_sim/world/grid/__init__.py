"""The low-voltage network: unbalanced phasor power flow in numpy (issue 3, item 1)."""
