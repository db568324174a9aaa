"""Keys on the street: with them all goes as without, and nothing else commands anybody."""
import dataclasses
import hashlib

import pytest

from acu import messages
from acu.primitives.authentication import mac
from acu.primitives.recording import Record
from host_sim.board.bus import Bus
from host_sim.board.doors import SimStore
from host_sim.scenario import load
from host_sim.scenario.runner import Run, run
from tests.scenario.golden import is_golden


def key_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()


class Keyed:
    """A simulated network whose controllers have keys: each his own, the Coordinator all."""

    bus = Bus

    def __init__(self, scenario):
        self._ids = [acu.id for acu in scenario.acus]
        self._cd = scenario.coordinator().id

    def files(self, name):
        rows = {"": key_of(name), "*": key_of("*")}
        if name == self._cd:
            rows |= {one: key_of(one) for one in self._ids if one != name}
        store = SimStore()
        Record(store, "keys").save(b"\x01" + b"".join(
            bytes([len(k)]) + k.encode() + b"\x01" + key for k, key in rows.items()))
        return {k: data.hex() for k, data in store.files.items()}

    def sign(self, dst, raw):
        return mac(key_of(dst), raw)

    def close(self):
        return {}


@pytest.fixture(scope="module")
def assay():
    return load.load("assay")


def test_with_keys_the_log_is_the_same(assay):
    result = run(assay, net=Keyed(assay), level="quantity")
    assert is_golden("assay-quantity-seed1", result.event_log())
    assert any(b'"t":"phs.req"' in raw and b'"h":"0000' not in raw
               for _, _, _, raw in result.bus)


def test_with_keys_it_is_the_same_in_micropython(assay, vm):
    result = run(assay, net=Keyed(assay), level="quantity", vm=True)
    assert is_golden("assay-quantity-seed1", result.event_log())


def test_a_branch_with_keys_is_led_through_its_sub_coordinators():
    scenario = dataclasses.replace(load.load("branch"), run_us=32_000_000)

    def told(result):
        """Who saw what; the questions for the time shift the dice of the network's jitter."""
        return sorted((name, line.split(" ", 3)[3].split(" ")[0]) for _, name, line
                      in result.events), [shown for _, shown in result.panel]
    assert told(run(scenario, net=Keyed(scenario))) == told(run(scenario))


class Attacked(Run):
    """Somebody has an Operator's key and the group's, and a broker without rights."""

    def __init__(self, scenario):
        super().__init__(scenario, net=Keyed(scenario))
        self.n = 0

    def forge(self, topic, t, body, src, dst, key, k=1 << 50, x=None):
        self.n += 1
        ts = self.scenario.start_utc_ms + self.t_us // 1000
        raw = messages.encode(t, src, dst, 30_000 + self.n, 7, ts, body,
                              lambda text: mac(key, text), k + self.n, x or ts + 9000)
        self.bus.publish(self.t_us, "eu1", topic, raw, 0, 1)

    def until(self, s):
        while self.t_us < s * 1e6:
            self.step()


OPEN = {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0}
SELECT = {"on": 1, "sel": 1, "why": 3, "t_ms": 0, "lease_s": 0}


def test_an_operators_credentials_command_nobody(assay):
    one = Attacked(assay)
    one.until(5)
    said = len(one.result.drives)
    slave = "slvg/1/slv/sc1/uc0/"
    for victim in ("eu2", "eu3"):
        for key in (key_of("eu1"), key_of("*")):
            for src in ("cd", "eu1", "scc"):
                one.forge(slave + victim + "/dn/sw.req", "sw.req", OPEN, src, victim, key)
                one.forge(slave + victim + "/dn/phs.req", "phs.req",
                          {"ph": 2, "t_ms": 0, "dead_ms": 60}, src, victim, key)
                one.forge(slave + victim + "/dn/cfg", "cfg", {"k": "lockout", "val": 1}, src,
                          victim, key)
    # the group's key opens those without voltage, which nobody here is
    one.forge(slave + "all/dn/sw.req", "sw.req", OPEN, "cd", "*", key_of("*"))
    one.forge(slave + "all/dn/sw.req", "sw.req", SELECT, "cd", "*", key_of("*"))
    one.forge("slvg/1/man/sc1/dn/sc.cmd", "sc.cmd", {"cmd": "sw", "args": ["eu2", 0, 0]}, "scc",
              "cd", key_of("eu1"))
    one.until(10)
    assert len(one.result.drives) == said
    one.finish()


def test_the_group_s_key_commands_nobody_and_shuts_no_mouth(assay):
    """Not to all either, but to open where there is no voltage; and counters raised with it are
    the group's."""
    one = Attacked(assay)
    one.until(5)
    topic = "slvg/1/slv/sc1/uc0/all/dn/"
    group = key_of("*")
    for t, body in (("cfg", {"k": "lockout", "val": 1}), ("sw.req", SELECT), ("sw.req", OPEN),
                    ("phs.req", {"ph": 2, "t_ms": 0, "dead_ms": 60}),
                    ("time", {"utc_ms": assay.start_utc_ms + 5000, "src": "rtc"})):
        one.forge(topic + t, t, body, "cd", "*", group, (1 << 52) + 5)
    before = len(one.result.drives)
    one.until(7)
    units = one.firmware.units
    assert len(one.result.drives) == before
    assert not any(units[name].acu.gate.locked for name in ("eu1", "eu2", "eu3"))
    one.order("sc.cmd", {"cmd": "sw", "args": ["eu2", 0, 60]})
    one.until(8)
    assert units["eu2"].acu.gate.mask() == 0        # the Coordinator is still obeyed
    eu3 = units["eu3"].acu
    eu3._ask_ms = 0
    set_ms = eu3.sync._set_ms
    one.until(9)
    assert eu3.sync._set_ms > set_ms                # and its time taken
    one.finish()


def test_the_group_s_key_moves_no_clock(assay):
    """Not far, and not by and by: every broadcast may trim within half a second of the last
    answer."""
    one = Attacked(assay)
    one.until(5)
    eu2 = one.firmware.units["eu2"].acu
    true_ms = eu2.sync.utc_ms(0)
    topic = "slvg/1/slv/sc1/uc0/all/dn/time"
    utc_ms = assay.start_utc_ms + 5000
    for step_ms in (3_600_000, -3_600_000, 5_000, *range(0, 40_000, 400)):
        one.forge(topic, "time", {"utc_ms": utc_ms + step_ms, "src": "ntp"}, "cd", "*",
                  key_of("*"), 1 << 49)
    one.forge("slvg/1/slv/sc1/uc0/eu2/dn/time", "time", {"utc_ms": 1, "src": "ntp"}, "cd", "eu2",
              key_of("eu2"), 1 << 51)       # its own key, but no answer to its question
    one.until(8)
    assert abs(eu2.sync.utc_ms(0) - true_ms) <= 600
    one.finish()


def test_what_was_recorded_commands_nobody_after_a_restart(assay):
    """The network of the last minutes, played once more to a unit that has just started and knows
    no time."""
    one = Attacked(assay)
    one.until(40)
    tape = [(topic, raw) for _, _, topic, raw in one.result.bus
            if topic.startswith("slvg/1/slv/sc1/uc0/eu2/dn/")]
    assert any(b'"sel":0' in raw and b'"on":1' in raw for _, raw in tape)
    one.happen("reboot", acu="eu2", off_ms=500)
    one.until(40.6)
    before = len([d for d in one.result.drives if d[1] == "eu2"])
    for _ in range(3):
        for topic, raw in tape:
            one.bus.publish(one.t_us, "eu1", topic, raw, 0, 1)
        one.until(one.t_us / 1e6 + 1)
    assert len([d for d in one.result.drives if d[1] == "eu2"]) == before
    one.finish()
