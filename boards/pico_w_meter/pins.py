"""Pins of pico_w_meter: constants only, read by the drivers, boot.py and the validator.

The load-control relay is held released: the role Meter switches nothing yet.
"""
CONVERTER = {"driver": "rp2_adc", "pins": (26, 27)}
OUTPUTS = ()
UNUSED = ({"name": "relay", "drive": "hold", "pin": 6, "active": 1},)
INPUTS = ({"name": "cover", "pin": 16, "active": 1, "pull": "up"},  # switch opens with the cover
          {"name": "magnet", "pin": 17, "active": 0, "pull": "up"},  # reed contact to ground
          {"name": "temperature", "ds18b20": 15})
INTERLOCK = None
RECOVERY = "bootsel"
LED = 22
FORBIDDEN = {23: "wireless power", 24: "wireless data", 25: "wireless chip select",
             29: "wireless clock"}
