"""Pins of pico_w_recloser: constants only, read by the drivers, boot.py and the validator.

A pulse on close or open (trip) moves the breaker; its own spring does the work.
"""
CONVERTER = {"driver": "mcp3208_pio", "sck": 2, "mosi": 3, "miso": 4, "cs": 5}
OUTPUTS = ({"name": "breaker", "drive": "latching", "close": 6, "open": 7, "active": 1},)
INPUTS = ({"name": "closed_52a", "pin": 16, "active": 0, "pull": "up"},  # optocouplers to ground
          {"name": "open_52b", "pin": 17, "active": 0, "pull": "up"},
          {"name": "spring", "pin": 18, "active": 0, "pull": "up"},
          {"name": "trip_coil", "pin": 19, "active": 0, "pull": "up"},
          {"name": "battery", "pin": 20, "active": 0, "pull": "up"},
          {"name": "remote", "pin": 21, "active": 0, "pull": "up"},
          {"name": "hot_line_tag", "pin": 13, "active": 1, "pull": "up"})  # a broken wire is a tag
INTERLOCK = {"pin": 14, "active": 1, "pull": "down"}    # supply of the close coils is there
RECOVERY = "bootsel"
LED = 22
FORBIDDEN = {23: "wireless power", 24: "wireless data", 25: "wireless chip select",
             29: "wireless clock"}
