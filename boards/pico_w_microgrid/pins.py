"""Pins of pico_w_microgrid: constants only, read by the drivers, boot.py and the validator.

Each output holds a relay of its own: a reset releases it. They are no phases of one switch.
"""
CONVERTER = {"driver": "mcp3208_pio", "sck": 2, "mosi": 3, "miso": 4, "cs": 5}
OUTPUTS = ({"name": "diesel_run", "drive": "hold", "pin": 6, "active": 1, "apart": 1},
           {"name": "electrolyser", "drive": "hold", "pin": 7, "active": 1, "apart": 1},
           {"name": "fuel_cell", "drive": "hold", "pin": 8, "active": 1, "apart": 1},
           {"name": "battery", "drive": "hold", "pin": 9, "active": 1, "apart": 1})
INPUTS = ({"name": "diesel_runs", "pin": 16, "active": 0, "pull": "up"},  # a broken wire: stands
          {"name": "diesel_fault", "pin": 17, "active": 1, "pull": "up"},  # and is a fault
          {"name": "h2_ready", "pin": 18, "active": 0, "pull": "up"},  # and is not ready
          {"name": "stop", "pin": 19, "active": 1, "pull": "up"})  # and is a stop
INTERLOCK = None
RECOVERY = "bootsel"
LED = 22
FORBIDDEN = {23: "wireless power", 24: "wireless data", 25: "wireless chip select",
             29: "wireless clock"}
