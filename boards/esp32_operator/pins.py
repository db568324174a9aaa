"""Pins of esp32_operator: constants only, read by the drivers, boot.py and the validator.

Inputs 34 to 36 and 39 have no pull resistors inside: they are on the board.
"""
CONVERTER = {"driver": "mcp3208_burst", "spi": 2, "sck": 18, "mosi": 23, "miso": 19, "cs": 5}
OUTPUTS = ({"name": "relay_a", "drive": "latching", "close": 25, "open": 26, "active": 1},
           {"name": "relay_b", "drive": "latching", "close": 27, "open": 13, "active": 1},
           {"name": "relay_c", "drive": "latching", "close": 32, "open": 33, "active": 1})
INPUTS = ({"name": "mirror_a", "pin": 34, "active": 1, "pull": None},  # a broken wire says closed
          {"name": "mirror_b", "pin": 35, "active": 1, "pull": None},
          {"name": "mirror_c", "pin": 36, "active": 1, "pull": None})
INTERLOCK = {"pin": 39, "active": 1, "pull": None}      # supply of the close coils is there
RECOVERY = {"pin": 21, "active": 0, "pull": "up"}       # GPIO0 would start the loader
LED = 2
FORBIDDEN = {1: "console output", 3: "console input", 6: "flash memory", 7: "flash memory",
             8: "flash memory", 9: "flash memory", 10: "flash memory", 11: "flash memory",
             16: "PSRAM of a WROVER", 17: "PSRAM of a WROVER"}
