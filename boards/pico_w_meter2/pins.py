"""Pins of pico_w_meter2: constants only, read by the drivers, boot.py and the validator.

Channel k is input k of the MCP3208; of its eight, four are wired.
"""
CONVERTER = {"driver": "mcp3208_pio", "sck": 2, "mosi": 3, "miso": 4, "cs": 5}
OUTPUTS = ()
INPUTS = ({"name": "cover", "pin": 16, "active": 1, "pull": "up"},  # switch opens with the cover
          {"name": "magnet", "pin": 17, "active": 0, "pull": "up"},  # reed contact to ground
          {"name": "temperature", "ds18b20": 15})
INTERLOCK = None
RECOVERY = "bootsel"
LED = 22
FORBIDDEN = {23: "wireless power", 24: "wireless data", 25: "wireless chip select",
             29: "wireless clock"}
