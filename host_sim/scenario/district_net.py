"""Who is on the bus of a district besides the reclosers' firmware: generators that tell and obey,
and a centre that tells the time.

A generator tells its state once a second, at each change of it, and in answer to each set-point.
"""
from acu import messages
from host_sim.board.bus import Bus
from host_sim.scenario.district_plan import Plan
from host_sim.scenario.district_truth import Truth
from host_sim.world.district_params import GENERATORS

SECOND_US = 1_000_000
_CENTRE = "scc"
_NULL_CODE = "0" * 16
_LEAD = "r1"               # whom generators tell


class Net:
    def __init__(self, plan: Plan, seed: int, truth: Truth):
        self.bus = Bus(seed, plan.network["delay_ms"], plan.network["jitter_ms"])
        self.silent: set[str] = set()
        self._truth = truth
        self._utc0_ms = plan.start_utc_ms
        self._base = f"slvg/1/slv/{plan.sc}/{plan.uc}/"
        self._all = f"slvg/1/mst/{plan.sc}/all/dn/"
        self._n = dict.fromkeys((*GENERATORS, _CENTRE), 0)
        self._told: dict[str, tuple] = {}
        for name in (*(one.id for one in plan.reclosers), _CENTRE):
            self.bus.join(name, [], 0)
        for name in GENERATORS:
            self.bus.join(name, [f"{self._base}{name}/dn/+"], 0)
        for link in self.bus.links.values():
            link.loss_pct, link.dup_pct = plan.network["loss_pct"], plan.network["dup_pct"]
            link.reorder_pct = plan.network["reorder_pct"]

    def turn(self, t_us: int) -> dict[str, list]:
        """Devices and centre speak; what has arrived at the reclosers by now."""
        second = t_us % SECOND_US == 0
        if second:
            self._say(t_us, _CENTRE, self._all, "time", "*",
                      {"utc_ms": self._utc0_ms + t_us // 1000, "src": _CENTRE})
        arrived = self.bus.deliver(t_us)
        for name in GENERATORS:
            for _, payload in arrived.pop(name, ()):
                self._obey(t_us, name, payload)
            if second or self._state(name) != self._told.get(name):
                self._tell(t_us, name, 0)
        return arrived

    def _state(self, name: str) -> tuple:
        machine = self._truth.world.machines[name]
        return machine.on, machine.isl

    def _obey(self, t_us: int, name: str, payload: bytes) -> None:
        msg = messages.decode(payload)
        if msg is None or msg["t"] != "gen.set" or msg["d"] != name or name in self.silent:
            return
        body = msg["b"]
        if body["on"]:
            self._truth.world.request(name, body["isl"] == 1, body["df_mHz"] / 1000,
                                      body["du_bp"] / 10_000,
                                      self._truth.world.now_ms + body["lease_s"] * 1000)
        else:
            self._truth.trip(name)
        self._tell(t_us, name, msg["c"])

    def _tell(self, t_us: int, name: str, c: int) -> None:
        world = self._truth.world
        machine = world.machines[name]
        if name in self.silent:
            return
        self._told[name] = self._state(name)
        self._say(t_us, name, f"{self._base}{name}/up/", "gen.st", _LEAD, {
            "p_W": round(1e6 * world.pe_mw()[GENERATORS.index(name)]),
            "s_VA": round(1e6 * machine.s_mva), "on": int(machine.on), "isl": int(machine.isl)}, c)

    def _say(self, t_us: int, who: str, base: str, kind: str, dst: str, body: dict,
             c: int = 0) -> None:
        self._n[who] += 1
        n = self._n[who]
        utc_ms = self._utc0_ms + t_us // 1000
        self.bus.publish(t_us, who, base + kind, messages.encode(
            kind, who, dst, n & 0xFFFF, c, utc_ms, body, lambda raw: _NULL_CODE, n,
            utc_ms + 10_000))
