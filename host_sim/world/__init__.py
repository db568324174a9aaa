"""The street itself: supply, transformer, customers, relays, faults. Knows nothing of the
firmware.
"""
