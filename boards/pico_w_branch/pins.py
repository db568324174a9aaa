"""Pins of pico_w_branch: constants only, read by the drivers, boot.py and the validator.

The three-pole breaker latches: a pulse on close or open moves it, nothing holds it.
"""
CONVERTER = {"driver": "mcp3208_pio", "sck": 2, "mosi": 3, "miso": 4, "cs": 5}
OUTPUTS = ({"name": "breaker", "drive": "latching", "close": 6, "open": 7, "active": 1},)
INPUTS = ({"name": "mirror", "pin": 16, "active": 1, "pull": "up"},  # a broken wire says closed
          {"name": "spare", "pin": 17, "active": 0, "pull": "up"},
          {"name": "temperature", "ds18b20": 15})
INTERLOCK = {"pin": 14, "active": 1, "pull": "down"}    # supply of the close coils is there
RECOVERY = "bootsel"
LED = 22
FORBIDDEN = {23: "wireless power", 24: "wireless data", 25: "wireless chip select",
             29: "wireless clock"}
