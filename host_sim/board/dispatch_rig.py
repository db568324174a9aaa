"""The firmware's dispatch on what a study saw: no board, no role.

A Rig is one Dispatch with its policies. The same file on CPython and in the VM
(vm/dispatch_server.py); study/microgrid.py asks it step by step, study/microgrid_vm.py in blocks
of bytes, so that the set-points of the two Pythons can be compared.
"""
from array import array

from acu.functions.dispatch import DT_S, SEEN, SET, Dispatch, Plant, Store


def plant_of(words):
    """words: as acu.functions.policy_table.plant_words() tells them."""
    return Plant(Store(*words[:4]), Store(*words[4:8]), words[8], 0, *words[9:13])


class Rig:
    """given: `plant` words, `policies` a list of (module, class, table in hex or None), `options`
    of Dispatch."""

    def __init__(self, given):
        plant = plant_of(given["plant"])
        policies = []
        for module, name, table in given["policies"]:
            made = getattr(__import__(module, None, None, (name,)), name)
            if table is None:
                policies.append(made(plant))
            else:
                raw = bytes.fromhex(table)
                policies.append(made(plant, reader(raw)))
        self.dispatch = Dispatch(plant, policies, **given["options"])
        self.now_ms = 0

    def step(self, seen):
        """Set-points; the clock goes on by the step."""
        out = self.dispatch.step(self.now_ms, seen)
        self.now_ms += seen[DT_S] * 1000
        return out

    def run(self, block):
        """block: of each step what is seen, 64-bit integers; the set-points in 32 bits."""
        rows = array("q", block)
        n = len(rows) // SEEN
        out = array("i", bytes(4 * SET * n))
        seen = [0] * SEEN
        for row in range(n):
            for k in range(SEEN):
                seen[k] = rows[row * SEEN + k]
            did = self.step(seen)
            for k in range(SET):
                out[row * SET + k] = did[k]
        return bytes(out)


def reader(raw):
    """read(at, n) of a table's bytes, as a board's store reads its record."""
    def read(at, n):
        return raw[at:at + n]
    return read
