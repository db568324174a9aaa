"""Pins of pico_w_operator: constants only, read by the drivers, boot.py and the validator.

Each phase relay latches: a pulse on close or open moves it, nothing holds it.
"""
CONVERTER = {"driver": "mcp3208_pio", "sck": 2, "mosi": 3, "miso": 4, "cs": 5}
OUTPUTS = ({"name": "relay_a", "drive": "latching", "close": 6, "open": 7, "active": 1},
           {"name": "relay_b", "drive": "latching", "close": 8, "open": 9, "active": 1},
           {"name": "relay_c", "drive": "latching", "close": 10, "open": 11, "active": 1})
INPUTS = ({"name": "mirror_a", "pin": 16, "active": 1, "pull": "up"},  # a broken wire says closed
          {"name": "mirror_b", "pin": 17, "active": 1, "pull": "up"},
          {"name": "mirror_c", "pin": 18, "active": 1, "pull": "up"})
INTERLOCK = {"pin": 14, "active": 1, "pull": "down"}    # supply of the close coils is there
RECOVERY = "bootsel"
LED = 22
FORBIDDEN = {23: "wireless power", 24: "wireless data", 25: "wireless chip select",
             29: "wireless clock"}
