"""Waveforms: phasors to ADC codes, and the numpy twin of the sample kernels."""
