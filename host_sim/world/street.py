"""The emulated street: supply, transformer, customers, relays and what each controller's ADC
sees of them.

The runner advances it in blocks of 5 ms; inside, everything happens at its own microsecond, and
a block is cut into segments of constant state. The street knows nothing of the firmware: it
offers codes or sums, contacts, drives, and its own truth to compare with.
"""
import heapq
from itertools import count

from host_sim.waveform.bank import AHEAD, Bank
from host_sim.waveform.front_end import FrontEnd
from host_sim.waveform.quantity import QuantityBank
from host_sim.world import circuit, faults, feeder
from host_sim.world.dice import Dice
from host_sim.world.relay import Relay
from host_sim.world.spec import AcuSpec, StreetSpec
from host_sim.world.supply import Supply
from host_sim.world.trace import Trace

BLOCK_US = 5000
MINUTE_US = 60_000_000
_ENERGISED_PU = 0.10             # of Un: a load that falls below starts anew
_RUNS_PU = 0.35                  # of Un: a controller's power supply runs on any phase above


class Street:
    """One street. At level 'wave' samples are rendered, `sums` are theirs; at 'quantity' there are
    no samples, `sums` are worked out from the phasors of the same front end."""

    def __init__(self, spec: StreetSpec, seed: int, level: str):
        if level not in ("wave", "quantity"):
            raise ValueError(f"level {level!r} does not exist; there are wave, quantity")
        self.spec = spec
        self.level = level
        self.now_us = 0
        self._supply = Supply(spec.source)
        self._loads = {c.id: circuit.Load(c, spec.un_v) for c in spec.customers}
        self._acus: dict[str, AcuSpec] = {a.id: a for a in spec.acus}
        _refuse_doubles("customer", spec.customers)
        _refuse_doubles("acu", spec.acus)
        self._relays: dict[str, list] = {}
        self._post_inputs: dict[str, list] = {}
        for acu in spec.acus:
            if acu.kind in ("post", "single", "two"):
                rest = {"ground": 1, "cutout": 1, "temperature": spec.temperature_dc}
                self._post_inputs[acu.id] = [rest.get(name, 0) for name in acu.inputs or rest]
                if acu.customer:
                    self._known_customer(acu, acu.customer)
            elif acu.kind in ("customer", "branch"):
                self._relays[acu.id] = self._new_relays(acu, seed)
            else:
                raise ValueError(f"acu {acu.id!r}: kind {acu.kind!r} does not exist; "
                                 "there are post, customer, branch, single, two")
        self._feeder = feeder.Circuit(spec, self._loads) if spec.feeder is not None else None
        self._circuit: circuit.Circuit | feeder.Circuit = (
            self._feeder or circuit.Circuit(spec, self._loads))
        self._front_ends = {a.id: FrontEnd(a, seed) for a in spec.acus}
        self._banks = self._new_banks(seed)
        self._events: list = []           # heap of (t_us, order, function of t_us)
        self._order = count()
        self._trace = Trace([c.id for c in spec.customers])
        self._trace.note_supply(0, self._supply.levels())
        self._joined: set[str] = set()    # customers with two contacts closed
        self._epoch = 0
        self._dirty = False
        # acu id -> since when no phase at its place can run it
        self._absent_us: dict[str, int] = {}
        if spec.profiles_kw is not None:
            self._minute(0)
        self._solution = self._solve(0)
        self._shown = self._solution      # of the block's last segment
        self._shown_f_mhz = self._supply.f_mhz
        self._truths: dict = {}

    # ---- what the runner and the doors use

    @property
    def contacts(self) -> list:
        return self._trace.contacts

    @property
    def breakers(self) -> list:
        return self._trace.breakers

    @property
    def record(self) -> Trace:
        """Everything that the street kept of itself."""
        return self._trace

    @property
    def supply(self) -> list:
        return self._trace.supply

    @property
    def trace(self) -> dict:
        return self._trace.blocks

    @property
    def joined_us(self) -> int:
        return self._trace.joined_us

    def step(self, t_us: int):
        """Advances to t_us, 5 ms after the last call: the street describes [t_us - 5000, t_us)."""
        if t_us != self.now_us + BLOCK_US:
            due_us = self.now_us + BLOCK_US
            raise ValueError(f"step to {t_us} us: the next block ends at {due_us} us")
        start = self.now_us
        for bank in self._banks.values():
            bank.begin(start, t_us)
        peaks = [0.0, 0.0, 0.0]
        self._advance(start, t_us, peaks)
        self.now_us = t_us
        bank = next(iter(self._banks.values()), None)
        self._note_block(bank.peaks() if isinstance(bank, Bank) else peaks)

    def _advance(self, start: int, t_us: int, peaks: list):
        """What happens from start to t_us, each thing at its microsecond."""
        while self._events and self._events[0][0] < t_us:
            due, _, deed = heapq.heappop(self._events)
            due = max(due, start)
            if due > start:
                self._segment(start, due, due, peaks)
                start = due
            deed(due)
        ahead_us = start + AHEAD * BLOCK_US
        if self._events:
            ahead_us = min(ahead_us, self._events[0][0])
        self._segment(start, t_us, ahead_us, peaks)

    def codes(self, acu_id: str) -> bytes:
        """ADC codes of the block's frames, interleaved, unsigned 16 bit, little-endian."""
        bank = self._bank(acu_id)
        if isinstance(bank, QuantityBank):
            raise ValueError(f"acu {acu_id!r}: there are no codes at level 'quantity', only sums")
        return bank.codes(acu_id)

    def n_frames(self, acu_id: str) -> int:
        return self._bank(acu_id).n_frames()

    def blocks(self) -> list:
        """The banks of those controllers that take frames now."""
        return list(self._banks.values())

    def sums(self, acu_id: str, k0: int, n: int, phase: int, step: int, pairs: tuple, out):
        """Adds the sampler door's nine sums a pair, over the block's frames k0..k0+n-1, to out."""
        self._bank(acu_id).add_sums(acu_id, k0, n, phase, step, pairs, out)

    def drive(self, acu_id: str, output: int, level: int, t_us: int):
        """Coil of a contact: 1 close, 0 open, -1 release; t_us: the block's end or later."""
        relays = self._relays.get(acu_id)
        if relays is None or not 0 <= output < len(relays):
            raise ValueError(f"acu {acu_id!r} has no output {output}; customers' have 0 to 2, "
                             "a branch's 0")
        if level not in (1, 0, -1):
            raise ValueError(f"acu {acu_id!r}: level {level!r} does not exist; there are 1, 0, -1")
        if level == -1:
            return
        relay = relays[output]
        for due_us, closed, plan in relay.order(level, t_us):
            self._at(due_us, lambda t, closed=closed, plan=plan:
                     relay.move(closed, plan) and self._moved(acu_id, output, t))

    def feedback(self, acu_id: str, input_: int) -> int:
        """Mirror contact of a relay, or another input, at the block's end."""
        values = self.inputs(acu_id)
        if not 0 <= input_ < len(values):
            raise ValueError(f"acu {acu_id!r} has no input {input_}; there are {len(values)}")
        return values[input_]

    def inputs(self, acu_id: str) -> list:
        """All inputs of a controller; the list may be the world's own: to be read only."""
        values = self._post_inputs.get(acu_id)
        if values is not None:
            return values
        mirrors = [relay.mirror for relay in self._relays.get(acu_id, ())]
        return mirrors if len(mirrors) != 1 else [*mirrors, 0, self.spec.temperature_dc]

    def powered(self, acu_id: str) -> bool:
        """Does it run: supply at its point, or hold-up left (full again once supply is back)?"""
        absent_us = self._absent_us.get(acu_id)
        return (absent_us is None
                or self.now_us - absent_us < self._acu(acu_id).holdup_ms * 1000)

    def next_us(self) -> int | None:
        """When the world changes next by itself, None if it does not."""
        return self._events[0][0] if self._events else None

    def set(self, name: str, value, acu="", phase=None, channel=None, for_ms=0, at_us=None,
            line="", bus="", to="", ohm=0.01):
        """A supply event or a fault, now or at at_us; with for_ms > 0 it reverts by itself. line;
        bus, phase, to, ohm: place of a fault in the feeder."""
        if name in faults.GRID:
            deed = faults.bind_grid(self._feeder, name, value, {"line": line, "bus": bus,
                                                                "phase": phase, "to": to,
                                                                "ohm": ohm})
        else:
            deed = self._bind(name, value, acu, phase, channel)

        def happen(t_us):
            undo = deed(t_us)
            self._changed(t_us)
            if for_ms > 0:
                self._at(t_us + round(for_ms * 1000), lambda t: (undo(t), self._changed(t)))

        if at_us is None or at_us <= self.now_us:
            happen(self.now_us)
        else:
            self._at(at_us, happen)

    def truth(self, acu_id: str) -> dict:
        """Exact values over the block's last segment; powers with harmonics, q1_var without."""
        if acu_id not in self._truths:
            self._truths[acu_id] = self._truth(self._acu(acu_id))
        return dict(self._truths[acu_id])

    # ---- one segment

    def _segment(self, start: int, end: int, ahead_us: int, peaks: list):
        if self._dirty:
            self._solution = self._solve(start)
            self._epoch += 1
            self._dirty = False
        for bank in self._banks.values():
            bank.fill((start, end), ahead_us, self._epoch, self._solution, self._supply,
                      self._phasors)
        if self._joined:
            self._trace.joined_us += end - start
        if self._shown is not self._solution:
            self._shown = self._solution
            self._shown_f_mhz = self._supply.f_mhz
            self._truths = {}
        if self.level == "quantity":
            for p in range(3):
                peaks[p] = max(peaks[p], self._solution.peak_a[p])

    def _solve(self, t_us: int):
        """New state from t_us on; loads that were dark and are fed now begin their inrush."""
        solution = self._circuit.solve(self._supply, _ENERGISED_PU * self.spec.un_v,
                                       lambda load, fed: self._energise(load, fed, t_us))
        if self._feeder is not None:
            self._trace.note_state(t_us, solution)
        floor_v = _RUNS_PU * self.spec.un_v
        for acu in self.spec.acus:
            if solution.runs(acu, floor_v):
                self._absent_us.pop(acu.id, None)
            else:
                self._absent_us.setdefault(acu.id, t_us)
        return solution

    def _minute(self, n: int):
        """Minute n of all profiles in one go."""
        rows = self.spec.profiles_kw
        kw = rows[n % len(rows)].tolist()
        for load in self._loads.values():
            if load.spec.profile:
                load.take_kw(kw[load.spec.profile - 1])
        self._dirty = True
        self._at((n + 1) * MINUTE_US, lambda _t_us: self._minute(n + 1))

    def _energise(self, load, fed: bool, t_us: int) -> bool:
        """This load is fed or not from t_us on; True if its inrush begins."""
        rushes = (fed and not load.energised and load.spec.inrush_x > 0
                  and load.spec.inrush_ms > 0)
        if rushes:
            load.inrush_end_us = t_us + load.spec.inrush_ms * 1000
            self._at(load.inrush_end_us, lambda t: self._end_inrush(load, t))
        elif not fed:
            load.inrush_end_us = 0
        load.energised = fed
        return rushes

    def _end_inrush(self, load, t_us: int):
        if load.inrush_end_us == t_us:    # a later closing would have moved it
            load.inrush_end_us = 0
            self._dirty = True

    def _moved(self, acu_id: str, output: int, t_us: int):
        """A contact changed."""
        acu = self._acus[acu_id]
        closed = self._relays[acu_id][output].closed
        self._dirty = True
        if acu.kind == "branch":
            self._circuit.breaker(acu, closed)
            self._trace.breakers.append((t_us, acu_id, closed))
            return
        load = self._loads[acu.customer]
        load.mask = load.mask | 1 << output if closed else load.mask & ~(1 << output)
        (self._joined.add if load.mask & (load.mask - 1) else self._joined.discard)(load.id)
        self._trace.contacts.append((t_us, load.id, output, closed))

    def _changed(self, t_us: int):
        self._trace.note_supply(t_us, self._supply.levels())
        self._dirty = True

    def _at(self, t_us: int, deed):
        heapq.heappush(self._events, (t_us, next(self._order), deed))

    def _note_block(self, peaks: list):
        shown = self._shown
        self._trace.note_block(self.now_us, shown.u_v, shown.s_va, peaks,
                               [shown.load_va[c] for c in self._loads])

    # ---- who is where

    def _new_relays(self, acu: AcuSpec, seed: int) -> list:
        if acu.kind == "branch":
            for customer in acu.behind:
                self._known_customer(acu, customer)
            return [Relay(acu.relay, True, Dice(seed, acu.id, "relay", 0))]
        self._known_customer(acu, acu.customer)
        phase = self._loads[acu.customer].spec.phase
        return [Relay(acu.relay, p == phase, Dice(seed, acu.id, "relay", p)) for p in range(3)]

    def _known_customer(self, acu: AcuSpec, customer: str):
        if customer not in self._loads:
            raise ValueError(f"acu {acu.id!r}: customer {customer!r} does not exist; "
                             f"there are {_listed(self._loads)}")

    def _new_banks(self, seed: int) -> dict:
        by_rate: dict[int, dict] = {}
        for acu in self.spec.acus:
            by_rate.setdefault(acu.rate_hz, {})[acu.id] = self._front_ends[acu.id]
        if self.level == "wave":
            return {rate: Bank(rate, members, BLOCK_US) for rate, members in by_rate.items()}
        noise_lsb = {acu.id: acu.front_end.noise_lsb for acu in self.spec.acus}
        return {rate: QuantityBank(rate, members, noise_lsb, seed)
                for rate, members in by_rate.items()}

    def _bank(self, acu_id: str) -> Bank | QuantityBank:
        return self._banks[self._acu(acu_id).rate_hz]

    def _acu(self, acu_id: str, kind="") -> AcuSpec:
        acu = self._acus.get(acu_id)
        if acu is None or kind not in ("", acu.kind):
            known = [a for a in self._acus if kind in ("", self._acus[a].kind)]
            raise ValueError(f"{kind + ' ' if kind else ''}acu {acu_id!r} does not exist; "
                             f"there are {_listed(known)}")
        return acu

    def _phasors(self, acu_id: str) -> list:
        """What the channels of a controller see: phasors in the channels' order."""
        acu, sol = self._acus[acu_id], self._solution
        if acu.kind == "post":
            return sol.u + sol.i
        if acu.kind == "branch":
            u, i = sol.branch_of(acu)
            return [*u, *i]
        if acu.kind == "two":
            u, i = sol.two_of(acu)
            return [*u, *i]
        if acu.kind == "single":
            return list(sol.load_of(acu.customer))
        return [*sol.supply_of(acu.customer), *sol.load_of(acu.customer)]

    def _truth(self, acu: AcuSpec) -> dict:
        shown = self._shown
        truth: dict = {"u_v": list(shown.u_v), "f_mhz": self._shown_f_mhz}
        if acu.kind != "customer":
            if acu.kind == "post":
                u, i = shown.u, shown.i
            elif acu.kind == "branch":
                u, i = shown.branch_of(acu)
            elif acu.kind == "two":
                u, i = shown.two_of(acu)
            else:
                u, i = ([x] for x in shown.load_of(acu.customer))
            powers = [shown.powers(*pair) for pair in zip(u, i, strict=True)]
            u_v, i_a, p_w, q1_var, s_va = (list(x) for x in zip(*powers, strict=True))
            if acu.kind == "branch":
                truth["closed"] = self._relays[acu.id][0].closed
            return {**truth, "u_v": u_v, "i_a": i_a, "p_w": p_w, "q1_var": q1_var, "s_va": s_va}
        names = ("u_load_v", "i_a", "p_w", "q1_var", "s_va")
        truth["u_v"] = [circuit.rms(u) for u in shown.supply_of(acu.customer)]
        powers = shown.powers(*shown.load_of(acu.customer))
        truth.update(zip(names, powers, strict=True))
        truth["contact"] = shown.masks[acu.customer]
        return truth

    def _bind(self, name: str, value, acu: str, phase, channel):
        if name in faults.SUPPLY:
            return faults.bind_supply(self._supply, name, value)
        if name in faults.RELAY:
            kind = "branch" if self._acu(acu).kind == "branch" else "customer"
            acu_id = self._acu(acu, kind).id
            p = 0 if kind == "branch" else faults.phase_index(phase)
            return faults.bind_relay(self._relays[acu_id][p], name, value,
                                     lambda t_us: self._moved(acu_id, p, t_us))
        if name in faults.ADC:
            acu_id = self._acu(acu).id
            channels = self._front_ends[acu_id].channels
            return faults.bind_adc(faults.channel_of(channels, channel, acu_id), name, value)
        if name in faults.CUSTOMER:
            customer = self._acu(acu).customer or self._acu(acu, "customer").customer
            return faults.bind_load(self._loads[customer], name, value)
        if name in faults.INPUTS:
            if not acu and len(self._post_inputs) == 1:
                acu = next(iter(self._post_inputs))
            acu_id = acu if acu in self._post_inputs else self._acu(acu, "post").id
            return faults.bind_input(self._post_inputs[acu_id], self._acu(acu_id).inputs, name,
                                     value)
        raise ValueError(f"setting {name!r} does not exist; there are {_listed(faults.settings)}")


def _refuse_doubles(what: str, things: tuple):
    ids = [thing.id for thing in things]
    if len(set(ids)) != len(ids):
        raise ValueError(f"two of kind {what} have the same id; ids: {_listed(ids)}")


def _listed(names) -> str:
    return ", ".join(names) or "none"
