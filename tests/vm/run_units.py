"""Runs unit tests inside MicroPython: run_units.py ROOT MODULE...  Prints one line a test; exit 1
if any failed.

The modules of tests/unit are plain functions with assert, so that both Pythons run the very same
files.
"""
import gc
import sys

root = sys.argv[1]
sys.path[:] = [root + "/firmware", root, root + "/tests/unit"] + sys.path
failed = 0
ran = 0
for name in sys.argv[2:]:
    module = __import__(name)
    for key in sorted(dir(module)):
        if key.startswith("test_"):
            gc.collect()
            ran += 1
            try:
                getattr(module, key)()
                print("ok", name, key)
            except Exception as e:
                failed += 1
                print("FAILED", name, key)
                sys.print_exception(e, sys.stdout)
print(ran - failed, "passed,", failed, "failed")
sys.exit(1 if failed or not ran else 0)
