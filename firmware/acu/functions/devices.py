"""What the devices of a microgrid have told, and what a dispatching ACU takes them for.

Slow tier of role microgrid, which hears them and passes it on. A store that is silent, not ready,
or whose energy cannot be is left out; PV that is throttled and a load that is left out are worth
more than what is measured. Sends nothing, logs nothing.
"""
from micropython import const

# Places, in the order of the settings.
BATTERY = const(0)
HYDROGEN = const(1)
DIESEL = const(2)
PV = const(3)
LOAD = const(4)
KEYS = ("mg_battery", "mg_hydrogen", "mg_diesel", "mg_pv", "mg_load")

# What a store is taken for; numbers of the event MG_STORE: never re-used.
GOOD = const(0)
IMPOSSIBLE = const(1)
SILENT = const(2)
NOT_READY = const(3)

# Of what was told: when, energy (-1: not known), power, available, works, less than it would.
T_MS = const(0)
T_MWH = const(1)
T_MW = const(2)
T_OK = const(3)
T_ON = const(4)
T_LIM = const(5)

_PROBE = const(20)      # of the PV's most: so much more is tried while it says it could


class Devices:
    """ids: of each, None where there is none; silent_ms: so long is a word good."""

    def __init__(self, ids, silent_ms):
        self.ids = ids
        self.told = [None] * len(ids)
        self.stores = [NOT_READY] * 2
        self._silent_ms = silent_ms

    def hear(self, now_ms, name, body):
        """The state of a device that has a place. Returns which."""
        k = self.ids.index(name)
        e_mwh = body["e_mWh"]
        # -2: below what dispatch takes for "not known", and as impossible
        e_mwh = -1 if e_mwh is None else max(e_mwh, -2)
        self.told[k] = (now_ms, e_mwh, body["p_mW"], body["ok"], body["on"], body["lim"])
        return k

    def heard(self):
        """Has each store spoken?"""
        return all([self.told[k] or not self.ids[k] for k in (BATTERY, HYDROGEN)])

    def fresh(self, now_ms, k):
        """What a device has told, None if that is too long ago."""
        told = self.told[k]
        return told if told and now_ms - told[T_MS] <= self._silent_ms else None

    def judge(self, now_ms, start_ms, k, refused):
        """What a store is taken for; True if that has changed. start_ms: since when it could have
        spoken; refused: dispatch found its energy impossible."""
        told = self.told[k]
        state = GOOD
        if now_ms - (told[T_MS] if told else start_ms) > self._silent_ms:
            state = SILENT
        elif not told or not told[T_OK] or told[T_MWH] == -1:
            state = NOT_READY
        elif refused:
            state = IMPOSSIBLE
        if state == self.stores[k] or not self.ids[k]:
            return False
        self.stores[k] = state
        return True

    def energy(self, k):
        """For dispatch: an impossible one is asked about each time, until it is possible."""
        return self.told[k][T_MWH] if self.stores[k] in (GOOD, IMPOSSIBLE) else -1

    def diesel(self, now_ms):
        """Does the diesel set say that it could? Without a word from it, its inputs decide."""
        told = self.fresh(now_ms, DIESEL)
        return told is None or told[T_OK] == 1

    def potential(self, now_ms, pv_mw, cur_mw, most_mw):
        """What the PV could give: a throttled one tells less than it can. cur_mw: what it was told
        to give up."""
        told = self.fresh(now_ms, PV)
        if told and told[T_LIM]:
            return max(pv_mw, min(pv_mw + max(cur_mw, most_mw // _PROBE), most_mw))
        return pv_mw

    def left_out(self, now_ms):
        """Is some of the load without supply, as the load says?"""
        told = self.fresh(now_ms, LOAD)
        return told is not None and told[T_LIM] == 1

    def demand(self, now_ms, load_mw, pns_mw, most_mw):
        """What the load would be: what was told to be left out, pns_mw, is missing in what is
        measured. Where nobody knows how much is left out, it is all that the load may be."""
        most_mw = max(load_mw, most_mw)
        if pns_mw and self.fresh(now_ms, LOAD):
            return min(load_mw + pns_mw, most_mw)
        return most_mw if self.left_out(now_ms) else load_mw

    def rest_ms(self, now_ms, start_ms):
        """Until a store has been silent for too long; -1: none is waited for."""
        rest_ms = -1
        for k in (BATTERY, HYDROGEN):
            if self.ids[k] and self.stores[k] != SILENT:
                told = self.told[k]
                left_ms = (told[T_MS] if told else start_ms) + self._silent_ms + 10 - now_ms
                rest_ms = left_ms if rest_ms < 0 else min(rest_ms, left_ms)
        return rest_ms
