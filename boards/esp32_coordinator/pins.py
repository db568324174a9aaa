"""Pins of esp32_coordinator: constants only, read by the drivers, boot.py and the validator.

Inputs 34 and 35 have no pull resistors inside: they are on the board.
"""
CONVERTER = {"driver": "atm90e32", "spi": 2, "sck": 18, "mosi": 23, "miso": 19, "cs": 5, "irq": 4}
OUTPUTS = ()
UNUSED = ({"name": "cutout_drive", "drive": "latching", "close": 25, "open": 26, "active": 1},)
INPUTS = ({"name": "ground", "pin": 34, "active": 0, "pull": None},  # relay contacts to ground
          {"name": "cutout", "pin": 35, "active": 0, "pull": None},
          {"name": "temperature", "ds18b20": 22})
INTERLOCK = None
RECOVERY = {"pin": 21, "active": 0, "pull": "up"}       # GPIO0 would start the loader
LED = 2
FORBIDDEN = {1: "console output", 3: "console input", 6: "flash memory", 7: "flash memory",
             8: "flash memory", 9: "flash memory", 10: "flash memory", 11: "flash memory",
             16: "PSRAM of a WROVER", 17: "PSRAM of a WROVER"}
