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
from host_sim.world import circuit, faults
from host_sim.world.dice import Dice
from host_sim.world.relay import Relay
from host_sim.world.spec import AcuSpec, StreetSpec
from host_sim.world.supply import Supply
from host_sim.world.trace import Trace

BLOCK_US = 5000
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
            if acu.kind == "post":
                self._post_inputs[acu.id] = [1, 1, spec.temperature_dc]
            elif acu.kind == "customer":
                self._relays[acu.id] = self._new_relays(acu, seed)
            else:
                raise ValueError(f"acu {acu.id!r}: kind {acu.kind!r} does not exist; "
                                 "there are post, customer")
        self._front_ends = {a.id: FrontEnd(a, seed) for a in spec.acus}
        self._banks = self._new_banks(seed)
        self._events: list = []           # heap of (t_us, order, function of t_us)
        self._order = count()
        self._trace = Trace([c.id for c in spec.customers])
        self._trace.note_supply(0, self._supply.levels())
        self._epoch = 0
        self._dirty = False
        self._absent_us: int | None = None  # since when no phase can run a controller
        self._solution = self._solve(0)
        self._shown = self._solution      # of the block's last segment
        self._shown_f_mhz = self._supply.f_mhz
        self._truths: dict = {}

    # ---- what the runner and the doors use

    @property
    def contacts(self) -> list:
        return self._trace.contacts

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
        self.now_us = t_us
        bank = next(iter(self._banks.values()), None)
        self._note_block(bank.peaks() if isinstance(bank, Bank) else peaks)

    def codes(self, acu_id: str) -> bytes:
        """ADC codes of the block's frames, interleaved, unsigned 16 bit, little-endian."""
        bank = self._bank(acu_id)
        if isinstance(bank, QuantityBank):
            raise ValueError(f"acu {acu_id!r}: there are no codes at level 'quantity', only sums")
        return bank.codes(acu_id)

    def n_frames(self, acu_id: str) -> int:
        return self._bank(acu_id).n_frames()

    def sums(self, acu_id: str, k0: int, n: int, phase: int, step: int, pairs: tuple, out):
        """Adds the sampler door's nine sums a pair, over the block's frames k0..k0+n-1, to out."""
        self._bank(acu_id).add_sums(acu_id, k0, n, phase, step, pairs, out)

    def drive(self, acu_id: str, output: int, level: int, t_us: int):
        """Coil of a phase contact: 1 close, 0 open, -1 release; t_us: the block's end or later."""
        relays = self._relays.get(acu_id)
        if relays is None or not 0 <= output < len(relays):
            raise ValueError(f"acu {acu_id!r} has no output {output}; customers' have 0 to 2")
        if level not in (1, 0, -1):
            raise ValueError(f"acu {acu_id!r}: level {level!r} does not exist; there are 1, 0, -1")
        if level == -1:
            return
        relay = relays[output]
        for due_us, closed, plan in relay.order(level, t_us):
            self._at(due_us, lambda t, closed=closed, plan=plan:
                     relay.move(closed, plan) and self._moved(acu_id, output, t))

    def feedback(self, acu_id: str, input_: int) -> int:
        """Mirror contact of a customer's relay, or a post's input, at the block's end."""
        values = self._post_inputs.get(acu_id)
        if values is None:
            values = [relay.mirror for relay in self._relays.get(acu_id, ())]
        if not 0 <= input_ < len(values):
            raise ValueError(f"acu {acu_id!r} has no input {input_}; there are {len(values)}")
        return values[input_]

    def powered(self, acu_id: str) -> bool:
        """Does it run: supply at its point, or hold-up left (full again once supply is back)?"""
        holdup_us = self._acu(acu_id).holdup_ms * 1000
        return self._absent_us is None or self.now_us - self._absent_us < holdup_us

    def set(self, name: str, value, acu="", phase=None, channel=None, for_ms=0, at_us=None):
        """A supply event or a fault, now or at at_us; with for_ms > 0 it reverts by itself."""
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
        if any(load.mask & (load.mask - 1) for load in self._loads.values()):
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
        loads = list(self._loads.values())
        nodes = circuit.nodes_of(load.mask for load in loads)
        e_node = circuit.node_sources(self._supply.e(), self._supply.live(), nodes)
        floor_v = _ENERGISED_PU * self.spec.un_v
        for load in loads:
            fed = any(load.mask >> p & 1 and abs(e_node[nodes[p]]) >= floor_v for p in range(3))
            if fed and not load.energised and load.spec.inrush_x and load.spec.inrush_ms:
                load.inrush_end_us = t_us + load.spec.inrush_ms * 1000
                self._at(load.inrush_end_us, lambda t, load=load: self._end_inrush(load, t))
            elif not fed:
                load.inrush_end_us = 0
            load.energised = fed
        solution = circuit.solve(self.spec.source, self.spec.un_v, self._supply, loads)
        if any(circuit.rms(u) >= _RUNS_PU * self.spec.un_v for u in solution.u):
            self._absent_us = None
        elif self._absent_us is None:
            self._absent_us = t_us
        return solution

    def _end_inrush(self, load, t_us: int):
        if load.inrush_end_us == t_us:    # a later closing would have moved it
            load.inrush_end_us = 0
            self._dirty = True

    def _moved(self, acu_id: str, output: int, t_us: int):
        """A contact changed."""
        load = self._loads[self._acus[acu_id].customer]
        closed = self._relays[acu_id][output].closed
        load.mask = load.mask | 1 << output if closed else load.mask & ~(1 << output)
        self._trace.contacts.append((t_us, load.id, output, closed))
        self._dirty = True

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
        if acu.customer not in self._loads:
            raise ValueError(f"acu {acu.id!r}: customer {acu.customer!r} does not exist; "
                             f"there are {_listed(self._loads)}")
        phase = self._loads[acu.customer].spec.phase
        return [Relay(acu.relay, p == phase, Dice(seed, acu.id, "relay", p)) for p in range(3)]

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
        return [*sol.u, sol.u_load[acu.customer], sol.i_load[acu.customer]]

    def _truth(self, acu: AcuSpec) -> dict:
        shown = self._shown
        truth: dict = {"u_v": list(shown.u_v), "f_mhz": self._shown_f_mhz}
        if acu.kind == "post":
            powers = [shown.powers(u, i) for u, i in zip(shown.u, shown.i, strict=True)]
            _, i_a, p_w, q1_var, s_va = (list(x) for x in zip(*powers, strict=True))
            return {**truth, "i_a": i_a, "p_w": p_w, "q1_var": q1_var, "s_va": s_va}
        names = ("u_load_v", "i_a", "p_w", "q1_var", "s_va")
        powers = shown.powers(shown.u_load[acu.customer], shown.i_load[acu.customer])
        truth.update(zip(names, powers, strict=True))
        truth["contact"] = shown.masks[acu.customer]
        return truth

    def _bind(self, name: str, value, acu: str, phase, channel):
        if name in faults.SUPPLY:
            return faults.bind_supply(self._supply, name, value)
        if name in faults.RELAY:
            acu_id = self._acu(acu, "customer").id
            p = faults.phase_index(phase)
            return faults.bind_relay(self._relays[acu_id][p], name, value,
                                     lambda t_us: self._moved(acu_id, p, t_us))
        if name in faults.ADC:
            acu_id = self._acu(acu).id
            channels = self._front_ends[acu_id].channels
            return faults.bind_adc(faults.channel_of(channels, channel, acu_id), name, value)
        if name in faults.CUSTOMER:
            return faults.bind_load(self._loads[self._acu(acu, "customer").customer], name, value)
        if name in faults.POST:
            if not acu and len(self._post_inputs) == 1:
                acu = next(iter(self._post_inputs))
            return faults.bind_post(self._post_inputs[self._acu(acu, "post").id], name, value)
        raise ValueError(f"setting {name!r} does not exist; there are {_listed(faults.settings)}")


def _refuse_doubles(what: str, things: tuple):
    ids = [thing.id for thing in things]
    if len(set(ids)) != len(ids):
        raise ValueError(f"two of kind {what} have the same id; ids: {_listed(ids)}")


def _listed(names) -> str:
    return ", ".join(names) or "none"
