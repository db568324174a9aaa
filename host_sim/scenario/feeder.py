"""The [feeder] of a scenario: reads its network and profiles, makes customers and controllers for
its loads, and says what does not fit.

Called by load.py before anything else is joined; it completes the form's lists of customers and
ACUs, so that all further checks are the same as for those written out. An Operator belongs to the
Sub-Coordinator at the nearest branch line upstream, or to the Coordinator itself.
"""
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from host_sim.scenario.complaints import Complaints, few, sentences
from host_sim.scenario.schema import ACUS_MAX, PHASES, AcuForm, Customer, ScenarioForm
from host_sim.world.grid.network import GridError, buses_of, check
from host_sim.world.grid.sources import open_circuit
from host_sim.world.grid.tree import branch_points
from host_sim.world.spec import CustomerSpec
from host_sim.world.tree import Tree

SYNTHETIC, OWN = "synthetic", "network"
_RATING_MAX_VA = 4_000_000
_POWER_MAX_KW = 100         # of a customer, as schema.Customer's s_va
_DAY_MIN = 1_440
_BRANCHES_TRIED = 24        # when more are asked for than there can be
_ROUND = {"BA": "AB", "CB": "BC", "AC": "CA"}


def spec_of(form: Customer) -> CustomerSpec:
    """As the world takes it: what feeds in has a negative power and no inrush."""
    values = {**form.model_dump(), "phase": PHASES.index(form.phase or form.phases[0])}
    if form.load == "g":
        values |= {"load": "p", "s_va": -form.s_va, "inrush_x": 0.0}
    return CustomerSpec(**values)


class Feeder:
    """What a [feeder] has: network, tree, profiles_kw (minutes x columns, or None)."""

    def __init__(self, form: ScenarioForm, folder: Path, wrong: Complaints):
        self.network: Any = None
        self.profiles_kw: Any = None
        self._form = form
        self._wrong = wrong
        self._columns: list = []
        self.made: dict[str, str] = {}       # id of a made controller -> what names its board
        self.tree: Tree
        self._customers()
        if form.feeder is None:
            return
        self._table = form.feeder
        self._folder = folder
        self._branch_lines: dict[str, AcuForm] = {}
        self.network = self._network()
        if self.network is None:
            return
        self.tree = Tree(self.network)
        self._profiles()
        self._branches()
        self.defaults()
        made = len(form.customer)
        if not made and not (self.network.loads and self._table.operators is not None):
            wrong.add("E126", "customer", " has too few entries. Give 1, or loads in the network "
                                          "and [feeder] operators.")
        if self._table.operators is not None:
            self._operators()
        self._places(made)
        self._under_branches()
        if self._columns:
            self.profiles_kw = np.column_stack(self._columns)

    def _customers(self) -> None:
        """What a [[customer]] may say depends on whether the street has lines."""
        form, add = self._form, self._wrong.add
        if not form.customer and form.feeder is None:
            add("E126", "customer", " has too few entries. Give 1.")
        for n, c in enumerate(form.customer, 1):
            where = f"[customer {n}]"
            if c.phase is None and not c.phases:
                add("E122", f"{where} phase", " is missing. Add it.")
            if form.feeder is not None:
                continue
            for key in ("bus", "phases", "load", "profile"):
                if key in c.model_fields_set:
                    add("E121", f"{where} {key}", " is for a street with a [feeder]. Remove it.")

    def defaults(self) -> None:
        """What the file leaves open about its source and voltages, as the network has it."""
        form, network = self._form, self.network
        if network is None:
            return
        if "un_v" not in form.street.model_fields_set:
            form.street.un_v = network.un_v
        if "u_v" not in form.source.model_fields_set:
            form.source.u_v = abs(complex(open_circuit(network)[0]))
        if "rating_va" not in form.source.model_fields_set and network.transformer:
            rating_va = round(network.transformer.kva * 1000)
            if rating_va > _RATING_MAX_VA:
                self._wrong.add("E123", f"[feeder] network: a transformer of {rating_va:_} VA",
                                f" is above what a controller takes. Give [source] rating_va up "
                                f"to {_RATING_MAX_VA:_}.")
            form.source.rating_va = min(rating_va, _RATING_MAX_VA)

    # ---- files

    def _network(self) -> Any:
        from host_sim.world.grid.csv_files import read_network
        from host_sim.world.grid.synthetic import feeder

        table = self._table
        if table.network == SYNTHETIC:
            return feeder(table.customers, table.seed, neutral=table.neutral)
        for key in ("customers", "seed", "neutral"):
            if key in table.model_fields_set and not (key == "seed"
                                                      and table.profiles == SYNTHETIC):
                self._wrong.add("E121", f"[feeder] {key}", " is for the synthetic network only. "
                                                           "Remove it.")
        path = self._path(table.network)
        if not path.exists():
            self._wrong.add("E120", f"[feeder] network = {table.network!r}",
                            ": no such file or folder. Give \"synthetic\", a folder of CSV files "
                            "or a .dss file, relative to the scenario.")
            return None
        try:
            network = read_network(path)
            complaints = check(network)
        except GridError as e:
            complaints = e.complaints
        self._wrong.all += complaints
        return None if complaints else network

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _profiles(self) -> None:
        """The rows from first_minute on, and over midnight to the minute before it."""
        from host_sim.world.grid.csv_files import read_profiles
        from host_sim.world.grid.synthetic import day

        table = self._table
        self._rows: Any = None
        if table.profiles is None:
            return
        if table.profiles == SYNTHETIC:
            self._rows = day(max(len(self.network.loads), 1), table.seed)
        else:
            if table.profiles == OWN and table.network == SYNTHETIC:
                self._wrong.add("E127", "[feeder] profiles = 'network'",
                                ": the synthetic network has none. Write \"synthetic\".")
                return
            path = self._path(table.network if table.profiles == OWN else table.profiles)
            try:
                self._rows = read_profiles(path)
            except GridError as e:
                self._wrong.all += e.complaints
                return
            except OSError as e:
                self._wrong.add("E120", f"[feeder] profiles = {table.profiles!r}",
                                f": cannot be read ({e.strerror}). Give a file of minutes.")
                return
        there, last = len(self._rows), table.first_minute + math.ceil(self._form.run_s / 60.0)
        if there % _DAY_MIN and last > there:
            self._wrong.add("E123", f"[feeder] profiles = {table.profiles!r}",
                            f": has {there} minutes, the run needs {last}. Give as many, or whole "
                            f"days of {_DAY_MIN}, which begin again.")
        self._rows = np.roll(self._rows, -table.first_minute, axis=0)

    def _column(self, number: int, factor: float, where: str) -> int:
        """The column of the street's own profiles that follows this one; 0: none."""
        if self._rows is None or not number:
            if number and self._table.profiles is None:
                self._wrong.add("E122", f"{where} profile = {number}",
                                ": [feeder] profiles is missing. Add it.")
            return 0
        if not 1 <= number <= self._rows.shape[1]:
            self._wrong.add("E123", f"{where} profile = {number}",
                            f" does not exist. Set 1 to {self._rows.shape[1]}.")
            return 0
        column = self._rows[:, number - 1] * factor
        most = abs(column).max()
        if most > _POWER_MAX_KW:
            self._wrong.add("E123", f"{where} profile = {number}",
                            f" comes to {most:g} kW, above the maximum of {_POWER_MAX_KW} kW. "
                            "Give its minutes in kW.")
        self._columns.append(column)
        return len(self._columns)

    # ---- what is made

    def _operators(self) -> None:
        """A customer for each load; an Operator for each on one phase."""
        table = self._table
        taken = {c.id for c in self._form.customer} | {a.id for a in self._form.acu}
        for n, load in enumerate(self.network.loads, 1):
            customer = re.sub("[^a-z0-9_-]", "-", load.id.lower())[:16]
            where = f"load {load.id} of the network"
            if customer in taken:
                self._wrong.add("E128", where, f": the id {customer} is taken. Rename one.")
                continue
            single = len(load.phases) == 1
            form = self._customer(n, load, customer, single, where)
            if form is None:
                continue
            self._form.customer.append(form)
            taken.add(customer)
            if single:
                digits = re.search(r"\d+$", customer)
                acu = f"eu{digits.group() if digits else n}"
                if acu in taken:
                    acu = f"eu-{customer}"[:16]
                self._form.acu.append(AcuForm(id=acu, role="operator", board=table.operators or "",
                                              customer=customer))
                taken.add(acu)
                self.made[acu] = "[feeder] operators"

    def _customer(self, n: int, load: Any, customer: str, single: bool, where: str
                  ) -> Customer | None:
        table = self._table
        number = 0
        if table.profiles is not None:
            number = n if table.profiles == SYNTHETIC else load.profile or 0
        s_va = math.hypot(load.kw, load.kvar) * 1000 if load.kvar is not None else \
            abs(load.kw * 1000 / load.pf)
        pf = load.pf
        if load.kvar is not None:
            pf = math.copysign(abs(load.kw) * 1000 / s_va, load.kvar) if s_va else 1.0
        kind = table.load if "load" in table.model_fields_set else load.model
        if load.delta:
            self._wrong.add("E129", where, " is connected in delta. Write three of two phases.")
        try:
            form = Customer(
                id=customer, phase=load.phases[0], s_va=s_va, bus=load.bus,
                phases="" if single else _ROUND.get(load.phases, load.phases),
                load="g" if load.kw < 0 else kind, inrush_x=table.inrush_x if single else 0.0,
                inrush_ms=table.inrush_ms, i3_pct=table.i3_pct,
                profile=self._column(number, 1.0 if table.profiles == SYNTHETIC else load.kw,
                                     where))
        except ValidationError as e:
            self._wrong.all += [text.replace(": ", f": {where}: ", 1)
                                for text in sentences(self._wrong.file, e, Customer)]
            return None
        form.pf = pf                 # a network's may be leading, or lower than a file's own
        return form

    def _branches(self) -> None:
        """Sub-Coordinators at the lines given, or where they divide the customers best."""
        table = self._table
        given = table.branches
        if isinstance(given, int):
            lines = branch_points(self.network, max(given, 0))
            if given < 0:
                self._wrong.add("E123", f"[feeder] branches = {given}",
                                " is below its minimum of 0. Set how many, or name lines.")
            elif len(lines) < given:
                able = next(k for k in range(min(given - 1, _BRANCHES_TRIED), -1, -1)
                            if len(branch_points(self.network, k)) == k)
                self._wrong.add("E123", f"[feeder] branches = {given}",
                                f": the feeder does not divide into so many. Set 0 to {able}, or "
                                "name lines.")
        else:
            lines = given or []
        for n, line in enumerate(lines, 1):
            self.made[f"s{n}"] = "[feeder] branch_board"
            self._form.acu.append(AcuForm(id=f"s{n}", role="subcoordinator", uc=f"uc{n}",
                                          board=table.branch_board, line=line))

    # ---- what must fit

    def _places(self, written: int) -> None:
        """Buses of the customers and lines of the branches."""
        buses = buses_of(self.network)
        switched = {acu.customer for acu in self._form.acu if acu.customer}
        for n, customer in enumerate(self._form.customer, 1):
            where = f"[customer {n}]" if n <= written else f"load {customer.id} of the network"
            if not customer.bus:
                self._wrong.add("E122", f"{where} bus", " is missing. Name his bus of the feeder.")
            elif customer.bus not in buses:
                self._wrong.add("E129", f"{where} bus = {customer.bus!r}",
                                f" is not in the network. {few(customer.bus, buses)}")
            elif customer.id in switched and len(set(PHASES) & set(buses[customer.bus])) < 3:
                self._wrong.add("E129", f"{where} bus = {customer.bus!r}", " has only the phases "
                                f"{buses[customer.bus]}: nothing to switch between. Choose "
                                "another.")
            elif customer.bus not in self.tree.children:
                self._wrong.add("E129", f"{where} bus = {customer.bus!r}",
                                " is not connected to the source. Choose another.")
            if n <= written:
                customer.profile = self._column(customer.profile,
                                                -1.0 if customer.load == "g" else 1.0, where)
        lines = {line.name for line in self.network.lines}
        for n, acu in enumerate(self._form.acu, 1):
            if acu.role != "subcoordinator" or not acu.line:
                continue
            where = f"[acu {n}] line = {acu.line!r}"
            if acu.line not in lines:
                self._wrong.add("E129", where, f" is not in the network. "
                                               f"{few(acu.line, lines)}")
            elif acu.line in self._branch_lines:
                self._wrong.add("E128", where, " has a breaker already, of "
                                f"{self._branch_lines[acu.line].id}. Give each its own.")
            elif self.tree.looped(acu.line):
                self._wrong.add("E134", where, " is part of a loop: what is behind it has another "
                                "way to the source. Open the loop or choose a radial line.")
            else:
                self._branch_lines[acu.line] = acu

    def _under_branches(self) -> None:
        """Each Operator without a written uc to the nearest branch upstream; a branch without one
        has its own."""
        taken = {acu.uc for acu in self._form.acu if "uc" in acu.model_fields_set
                 or acu.role == "coordinator"}
        for n, acu in enumerate((a for a in self._form.acu if a.role == "subcoordinator"), 1):
            if "uc" not in acu.model_fields_set:
                acu.uc = next(uc for k in range(n, n + ACUS_MAX + 1)
                              if (uc := f"uc{k}") not in taken)
                taken.add(acu.uc)
        bus = {c.id: c.bus for c in self._form.customer}
        direct = next((a.uc for a in self._form.acu if a.role == "coordinator"), "uc0")
        for acu in self._form.acu:
            if acu.role in ("operator", "meter") and "uc" not in acu.model_fields_set:
                path = self.tree.path(bus.get(acu.customer or "", ""))
                lead = next((self._branch_lines[line] for line in path
                             if line in self._branch_lines), None)
                acu.uc = lead.uc if lead else direct

