"""Reads a scenario file and its boards, and joins them to one Scenario, or says what is wrong.

Called by the slvg command, the runner's tests and studies. Nothing runs here. Every fault of a
file ends in InputError with all its complaints; the firmware's own config.check has the last word
on its settings.
"""
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from acu import config as acu_config
from acu import metering as acu_metering
from host_sim.scenario import expectations
from host_sim.scenario.complaints import Complaints, InputError, choices, meant, sentences
from host_sim.scenario.deeds import Deeds
from host_sim.scenario.feeder import Feeder, spec_of
from host_sim.scenario.plan import Acu, Event, Network, Scenario
from host_sim.scenario.reading import F, form_of, load_board, read_toml
from host_sim.scenario.schema import (
    AcuForm,
    Customer,
    FrontEnd,
    Relay,
    ScenarioForm,
    Zoom,
)
from host_sim.waveform.adc import CurveError, read_curve
from host_sim.world.spec import (
    AcuSpec,
    FrontEndSpec,
    RelaySpec,
    SourceSpec,
    StreetSpec,
    ZoomSpec,
)

FILES = Path(__file__).resolve().parent / "files"
BOARDS = Path(__file__).resolve().parents[2] / "boards"

# Settings that follow from the tables of the file; writing them as well could only contradict.
_FROM_STRUCTURE = ("id", "role", "sc", "uc", "members", "prio", "via", "slot_i", "slot_n",
                   "wiring")

# Years that the log can write, with room on both sides for clocks that are set wrong.
_FIRST_UTC_MS = round(datetime(1970, 1, 2, tzinfo=UTC).timestamp() * 1000)
_LAST_UTC_MS = round(datetime(9998, 12, 31, tzinfo=UTC).timestamp() * 1000)

_I_MAX_MA = 5_000_000     # of a channel, as in schema.BoardForm


def scenario_names() -> list[str]:
    return sorted(p.stem for p in FILES.glob("*.toml"))


def find(name: str) -> Path:
    """The file of a scenario given by name or by path."""
    path = Path(name)
    if path.suffix == ".toml" or "/" in name:
        if path.is_dir():
            raise InputError([f"E120 {path}: is a folder. Give a scenario file (.toml)."])
        if not path.exists():
            scenarios = choices(scenario_names())
            raise InputError([f"E120 {name}: no such file. Give a path, or one of: {scenarios}."])
        return path
    inside = FILES / f"{name}.toml"
    if not inside.is_file():
        raise InputError([f"E120 scenario {name} is unknown. {meant(name, scenario_names())}"])
    return inside


def too_fine(front: dict, level: str) -> list[str]:
    """What of a [front_end] this level has no codes to show with, a sentence each."""
    return [f"[front_end] {key} = {front[key]!r} needs level "
            f"{'wave' if key != 'i_lead_urad' else 'wave or quantity'}; at {level} it would do "
            "nothing."
            for key in ("inl", "jitter_ns", "i_sat_pct", "i_lead_urad")
            if front.get(key) and (level == "phasor" or key != "i_lead_urad" and level != "wave")]


def at_level(scenario: Scenario, level: str) -> None:
    """Complains of what the scenario's file asks for and another level than its own cannot do."""
    wrong = [text for acu in scenario.street.acus for text in too_fine(vars(acu.front_end), level)]
    if wrong:
        raise InputError([f"E147 {scenario.name}: {text} Leave out --level {level}."
                          for text in dict.fromkeys(wrong)])


def load(name: str, feeder: str = "") -> Scenario:
    """The scenario of this name or file; feeder: another network, with its own profiles, in the
    place of the scenario's. What the scenario expects of figures is its own network's then."""
    path = find(name)
    given = read_toml(path)
    if feeder:
        table = given.get("feeder")
        if not isinstance(table, dict):
            raise InputError([f"E121 {path.name}: --feeder needs a scenario with a [feeder]. "
                              "Try street55."])
        profiles = {"profiles": "network"} if "profiles" in table else {}
        kept = {k: v for k, v in table.items() if k not in ("customers", "seed", "neutral")}
        if isinstance(kept.get("branches"), list):
            kept["branches"] = len(kept["branches"])
        for table, keys in (("source", ("u_v", "rating_va")), ("street", ("un_v",))):
            for key in keys:
                given.get(table, {}).pop(key, None)      # the network's own
        given["feeder"] = kept | {"network": str(Path(feeder).resolve())} | profiles
        expect = given.pop("expect", {})
        given["expect"] = {"never": expect["never"]} if "never" in expect else {}
    return build(given, path)


def build(given: dict, path: Path) -> Scenario:
    """`given` is what the TOML of `path` holds."""
    return _Builder(form_of(ScenarioForm, given, path.name), path).scenario()


def utc_ms_of(given, wrong: Complaints) -> int:
    """Of a scenario's start_utc, a TOML time or a text."""
    try:
        start = given if isinstance(given, datetime) else datetime.fromisoformat(given)
    except (TypeError, ValueError):
        wrong.add("E127", f"start_utc = {given}",
                  " is no date with a time. Write 2026-03-01T06:00:00Z.")
        return 0
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    start_ms = round(start.timestamp() * 1000)
    if not _FIRST_UTC_MS <= start_ms <= _LAST_UTC_MS:
        wrong.add("E123", f"start_utc = {start.isoformat()}", " is out of bounds. "
                  "Set 1970-01-02T00:00:00Z to 9998-12-31T00:00:00Z.")
    return start_ms


class _Builder:
    """Joins the parts of one file; collects complaints instead of stopping at the first."""

    def __init__(self, form: ScenarioForm, path: Path):
        self.form = form
        self.file = path.name
        self.folder = path.resolve().parent
        self.wrong = Complaints(path.name)
        self.feeder = Feeder(form, self.folder, self.wrong)
        if form.feeder is not None and self.feeder.network is None:
            raise InputError(self.wrong.all)      # what hangs on it would be unknown too
        self.kinds: dict[str, str] = {}     # ACU id -> kind of its board
        self.acu_ids = [a.id for a in form.acu]
        self.customer_ids = [c.id for c in form.customer]
        self.operators = [a for a in form.acu if a.role == "operator"]
        # micro-circuit -> its Sub-Coordinator; the Coordinator itself leads the others that bear
        # its uc
        self.leaders = {a.uc: a.id for a in form.acu if a.role == "subcoordinator"}
        self.coordinator_uc = next((a.uc for a in form.acu if a.role == "coordinator"), "")

    def scenario(self) -> Scenario:
        form = self.form
        self._unique("customer", self.customer_ids)
        self._unique("acu", self.acu_ids)
        self._one_coordinator()
        self._one_leader()
        start_utc_ms = utc_ms_of(form.start_utc, self.wrong)
        front = form.front_end.model_dump(exclude_unset=True)
        relay = form.relay.model_dump(exclude_unset=True)
        parts = [self._acu(n, a, front, relay) for n, a in enumerate(form.acu, 1)]
        deeds = Deeds(form, {acu.id: acu.board for acu, _ in parts}, self.wrong,
                      self.feeder.network)
        events: list[Event] = [deeds.event(n, e) for n, e in enumerate(form.event, 1)]
        expectations.check(form, self.wrong, self.acu_ids, [a.id for a in self.operators])
        if self.wrong.all:
            raise InputError(self.wrong.all)
        parts.sort(key=lambda part: part[0].id)
        zoom = form.zoom or Zoom()
        source = form.source.model_dump()
        source["harmonics_pct"] = tuple((int(n), pct) for n, pct in form.source.harmonics_pct)
        return Scenario(
            name=Path(self.file).stem, title=form.title, seed=form.seed,
            run_us=round(form.run_s * 1e6), start_utc_ms=start_utc_ms, level=form.level,
            sc=form.sc,
            street=StreetSpec(
                source=SourceSpec(**source),
                customers=tuple(spec_of(c) for c in form.customer),
                acus=tuple(spec for _, spec in parts),
                feeder=self.feeder.network, profiles_kw=self.feeder.profiles_kw,
                **form.street.model_dump()),
            acus=tuple(acu for acu, _ in parts),
            network=Network(**form.network.model_dump()),
            events=tuple(sorted(events, key=lambda e: e.t_us)),
            expect=form.expect,
            zoom=ZoomSpec(**{**zoom.model_dump(), "acus": tuple(zoom.acus)}))

    def _unique(self, table: str, ids: list[str]) -> None:
        for n, one in enumerate(ids, 1):
            if one in ids[:n - 1]:
                self.wrong.add("E128", f"[{table} {n}] id = {one}",
                               " is given twice. Give each its own.")

    def _one_coordinator(self) -> None:
        count = [a.role for a in self.form.acu].count("coordinator")
        if count != 1:
            self.wrong.add("E128", "[[acu]]",
                           f" has {count} coordinators. A circuit has exactly one.")

    def _one_leader(self) -> None:
        """Of each micro-circuit: what two lead would be told twice, or by nobody."""
        lead: dict[str, str] = {}
        for n, acu in enumerate(self.form.acu, 1):
            if acu.role in ("operator", "meter"):
                continue
            if acu.uc in lead:
                self.wrong.add("E128", f"[acu {n}] uc = {acu.uc!r}",
                               f" is led by {lead[acu.uc]} already. Give each Sub-Coordinator "
                               "its own.")
            lead.setdefault(acu.uc, acu.id)

    def _part(self, model: type[F], where: str, given: dict) -> dict:
        """A table inside an ACU that overrides the common one of the same name."""
        try:
            model.model_validate(given)
        except ValidationError as e:
            self.wrong.all += [s.replace(f"{self.file}: ", f"{self.file}: {where} ", 1)
                           for s in sentences(self.file, e, model)]
            return {}
        return given

    def _acu(self, n: int, form: AcuForm, front: dict, relay: dict) -> tuple[Acu, AcuSpec]:
        where = f"[acu {n}]"
        board = self._board(where, form)
        self.kinds[form.id] = board.get("kind", "")
        self._behind(where, n, form)
        config = self._config(where, form)
        front = {**front, **self._part(FrontEnd, f"{where} [front_end]", form.front_end)}
        front = self._front(front)
        relay = {**relay, **self._part(Relay, f"{where} [relay]", form.relay)}
        customer = form.customer or ""
        if form.ct_x > 1 and board:
            board = self._with_transformers(where, board, form.ct_x)
        spec = AcuSpec(
            id=form.id, kind=board.get("kind", ""), customer=customer, holdup_ms=form.holdup_ms,
            rate_hz=board.get("rate_hz", 0), u_peak_v=board.get("u_peak_dv", 0) / 10,
            i_peak_a=board.get("i_peak_ma", 0) / 1000, line=form.line, behind=self._under(form),
            inputs=tuple(entry["name"] for entry in board.get("inputs", ())),
            front_end=FrontEndSpec(**front, slot_ns=board.get("slot_ns", 0)),
            relay=RelaySpec(**relay))
        return Acu(form.id, form.role, customer, board, config), spec

    def _front(self, front: dict) -> dict:
        """With its curve found; complains of what a level without codes cannot show."""
        for text in too_fine(front, self.form.level):
            self.wrong.once(f"E147 {self.file}: {text} Set level = \"wave\", or leave it out.")
        if front.get("inl") and front["inl"] != "rp2040":
            front = {**front, "inl": str(self.folder / front["inl"])}
            try:
                read_curve(front["inl"])
            except CurveError as e:
                self.wrong.once(e.text)
                front["inl"] = ""
        if "i_lead_urad" in front:
            front = {**front, "i_lead_urad": tuple(map(tuple, front["i_lead_urad"]))}
        return front

    def _with_transformers(self, where: str, board: dict, ct_x: int) -> dict:
        """The board behind current transformers of this ratio."""
        if board["i_peak_ma"] * ct_x > _I_MAX_MA:
            self.wrong.add("E123", f"{where} ct_x = {ct_x}", " is above its maximum on this board."
                           f" Set 1 to {_I_MAX_MA // board['i_peak_ma']}.")
        limits = {**board["limits"], "i_max_ma": board["limits"]["i_max_ma"] * ct_x}
        return {**board, "i_peak_ma": board["i_peak_ma"] * ct_x, "limits": limits}

    def _under(self, form: AcuForm) -> tuple:
        """Customers behind this Sub-Coordinator's breaker, on a street without lines."""
        if form.role != "subcoordinator" or self.form.feeder is not None:
            return ()
        return tuple(a.customer for a in self.operators if a.uc == form.uc and a.customer)

    def _behind(self, where: str, n: int, form: AcuForm) -> None:
        """An Operator has one customer of his own, a meter at a customer has one, the others have
        none."""
        customer = form.customer
        meter = form.role == "meter" and self.kinds[form.id] in ("single", "two")
        if form.role != "operator" and not meter:
            if customer is not None:
                self.wrong.add("E121", f"{where} customer",
                               f" means nothing to a {form.role}. Remove it.")
        elif customer is None:
            self.wrong.add("E122", f"{where} customer",
                           " is missing. Name the [[customer]] behind it.")
        elif not self.wrong.known(f"{where} customer", customer, "customer", self.customer_ids):
            return
        elif meter:
            phases = self._customer(customer).phases
            if self.kinds[form.id] == "two" and len(phases) != 2:
                self.wrong.add("E144", f"{where} customer = {customer!r}",
                               " is not wired to two phases, as this board's are. Give him "
                               "phases = \"AB\", on a street with a [feeder].")
            elif self.kinds[form.id] == "single" and phases:
                self.wrong.add("E145", f"{where} customer = {customer!r}",
                               f" is wired to {phases}, this board's to one phase and neutral. "
                               "Choose another board or customer.")
        else:
            first = next(a.id for a in self.operators if a.customer == customer)
            if customer in [a.customer for a in self.form.acu[:n - 1] if a.role == "operator"]:
                self.wrong.add("E128", f"{where} customer = {customer!r}",
                               f" is already behind {first}. Give each operator its own.")

    def _customer(self, name: str) -> Customer:
        return next(c for c in self.form.customer if c.id == name)

    def _board(self, where: str, form: AcuForm) -> dict:
        """The board's description, {} if there is none; a folder beside the file comes first."""
        found = {p.parent.name: p for folder in (BOARDS, self.folder / "boards")
                 for p in folder.glob("*/board.json")}
        where = self.feeder.made.get(form.id, f"{where} board")     # a made one: said once
        if form.board not in found:
            self.wrong.once(f"E211 {self.file}: {where} = {form.board!r} is not in boards/. "
                            f"{meant(form.board, found)}")
            return {}
        try:
            board = load_board(found[form.board])
        except InputError as e:
            for complaint in e.complaints:
                self.wrong.once(complaint)
            return {}
        if form.role not in board["roles"]:
            self.wrong.once(f"E212 {self.file}: {where} = {form.board!r} runs no "
                            f"{form.role}. It is for: {choices(board['roles'])}.")
        return board

    def _config(self, where: str, form: AcuForm) -> dict:
        """Common and own settings, with the identity that the structure of the file gives."""
        # what only a meter has may stand in the common table too
        shared = {key: value for key, value in self.form.config.items()
                  if form.role == "meter" or key not in acu_metering.KEYS}
        given = {**shared, **form.config}
        for key in _FROM_STRUCTURE:
            if key in given:
                table = self._config_of(form, key)
                self.wrong.once(f"E121 {self.file}: {table} {key} follows from the other tables. "
                           "Remove it.")
        given |= {"id": form.id, "role": form.role, "sc": self.form.sc, "uc": form.uc}
        if form.role == "operator":
            ids = sorted(a.id for a in self.operators)
            given |= {"slot_i": ids.index(form.id), "slot_n": len(ids)}
        elif form.role == "meter":
            if form.customer in self.customer_ids:
                customer = self._customer(form.customer)
                given["wiring"] = customer.phases or customer.phase
        else:
            below = sorted((a for a in self.operators
                            if form.role == "coordinator" or a.uc == form.uc), key=lambda a: a.id)
            given |= {"members": [a.id for a in below], "prio": [a.prio for a in below]}
            if form.role == "coordinator":
                given["via"] = [self.leaders.get(a.uc, "-") for a in below]
        if form.role in ("operator", "meter"):
            if form.uc != self.coordinator_uc and form.uc not in self.leaders:
                self.wrong.add("E129", f"{where} uc = {form.uc!r}", " is led by nobody. "
                               f"{meant(form.uc, {self.coordinator_uc, *self.leaders})}")
        self._line(where, form)
        given.setdefault("un_dv", round(self.form.street.un_v * 10))
        given.setdefault("sr_va", self.form.source.rating_va)
        full, errors = acu_config.check(given)
        for error in errors:
            key = error.partition(": ")[2].removeprefix("unknown key ").split(" ")[0].rstrip(".")
            table = self._config_of(form, key)
            self.wrong.once(error.replace(" config: ", f" {self.file}: {table} ", 1))
        return full

    def _line(self, where: str, form: AcuForm) -> None:
        """A breaker on a feeder stands in a line; nothing else does."""
        if self.form.feeder is None or self.kinds[form.id] != "branch":
            if form.line:
                self.wrong.add("E121", f"{where} line",
                               " is for a branch board on a street with a [feeder]. Remove it.")
        elif form.role == "subcoordinator" and not form.line:
            self.wrong.add("E122", f"{where} line", " is missing. Name the line that its breaker "
                                                    "opens.")

    def _config_of(self, form: AcuForm, key: str) -> str:
        """The table that this setting of an ACU was written in."""
        shared = key in self.form.config and key not in form.config
        return "[config]" if shared else f"[acu {self.acu_ids.index(form.id) + 1}] [config]"
