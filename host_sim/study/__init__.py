"""Studies: many runs, seeded; each gives one table of figures. Called by `slvg study`."""
