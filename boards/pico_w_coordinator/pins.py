"""Pins of pico_w_coordinator: constants only, read by the drivers, boot.py and the validator.

The drive of a controllable cut-out is held released: no role drives it yet.
"""
CONVERTER = {"driver": "mcp3208_pio", "sck": 2, "mosi": 3, "miso": 4, "cs": 5}
OUTPUTS = ()
UNUSED = ({"name": "cutout_drive", "drive": "latching", "close": 6, "open": 7, "active": 1},)
INPUTS = ({"name": "ground", "pin": 16, "active": 0, "pull": "up"},  # relay contacts to ground
          {"name": "cutout", "pin": 17, "active": 0, "pull": "up"},
          {"name": "temperature", "ds18b20": 15})
INTERLOCK = None
RECOVERY = "bootsel"
LED = 22
FORBIDDEN = {23: "wireless power", 24: "wireless data", 25: "wireless chip select",
             29: "wireless clock"}
