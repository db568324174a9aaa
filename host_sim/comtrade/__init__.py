"""COMTRADE (IEEE C37.111, IEC 60255-24): records of disturbances as other instruments keep them.

read.py takes any record of others, after check.py has said in sentences what is wrong with it;
write.py makes ours. Knows neither the street nor the firmware.
"""
