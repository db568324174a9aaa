"""Who is in a smart circuit, from its controllers' settings: all that keys and rights need.

A controller is a dict of settings as the firmware has them (id, role, sc, uc, members, via and a
dispatching one's devices); nothing else of them is looked at. Devices of a microgrid, which are no
controllers of ours, have a name and rights as well.
"""
from dataclasses import dataclass

from acu.functions import devices as acu_devices
from acu.messages import valid_id
from host_sim.scenario.complaints import InputError

CENTRE = "scc"
DEVICE = "device"
ROLES = ("coordinator", "subcoordinator", "operator", "meter", "recloser", "microgrid", DEVICE)
# Words that topics and keys have a meaning for.
_RESERVED = (CENTRE, "all", "group", "man", "lan")


@dataclass(frozen=True)
class Identity:
    """One who may connect. devices: of a dispatching controller or of the lead of an islanding
    scheme, the names that it commands; peers: of a recloser, the others of its scheme."""

    id: str
    role: str
    sc: str
    uc: str
    devices: tuple[str, ...] = ()
    peers: tuple[str, ...] = ()

    @property
    def user(self) -> str:
        """His name at a broker; two circuits may both have an eu1."""
        return f"{self.sc}.{self.id}"


def identities(controllers: list[dict]) -> list[Identity]:
    """Of all of them, by circuit and id; complains of everything that is wrong at once."""
    wrong: list[str] = []
    found: dict[tuple[str, str], Identity] = {}
    for one in controllers:
        for identity in _of(one, wrong):
            at = (identity.sc, identity.id)
            if at in found:
                wrong.append(f"E444 {identity.id} of {identity.sc}: is there twice. Give each "
                             "controller and device its own id.")
            found[at] = identity
    for one in controllers:
        for member in (*one.get("members", ()), *one.get("via", ()), *one.get("il_peers", ())):
            if member != "-" and (one.get("sc"), member) not in found:
                wrong.append(f"E444 {one.get('id')}: names {member}, whose settings are not here. "
                             "Add them: keys are made for a circuit as a whole.")
    circuits = {sc for sc, _ in found}
    leads = [i.sc for i in found.values() if i.role == "coordinator"]
    wrong += [f"E444 circuit {sc}: has {leads.count(sc)} Coordinators, one is the most. Give "
              "another circuit its own sc." for sc in sorted(circuits) if leads.count(sc) > 1]
    if not found:
        wrong.append("E444 keys: there is no controller. Name a scenario, or a folder with the "
                     "settings (.json) of each.")
    if wrong:
        raise InputError(list(dict.fromkeys(wrong)))
    return [found[at] for at in sorted(found)]


def _of(one: dict, wrong: list[str]) -> list[Identity]:
    words = {key: one.get(key) for key in ("id", "sc", "uc")}
    bad = [f"{key} = {word}" for key, word in words.items()
           if not valid_id(word) or word in _RESERVED]
    if one.get("role") not in ROLES:
        bad.append(f"role = {one.get('role')}")
    if bad:
        wrong.append(f"E444 {one.get('id') or 'a controller'}: {', '.join(bad)} cannot be. Use 1 "
                     f"to 16 of a-z 0-9 _ -, not {', '.join(_RESERVED)}; a role of docs/settings"
                     ".md.")
        return []
    names = [one[key] for key in acu_devices.KEYS if one.get(key)] + list(one.get("il_gens", ()))
    peers = [name for name in one.get("il_peers", ()) if name != one["id"]]
    me = Identity(one["id"], one["role"], one["sc"], one["uc"], tuple(sorted(set(names))),
                  tuple(sorted(set(peers))))
    return [me, *(Identity(name, DEVICE, me.sc, me.uc) for name in me.devices if name != me.id)]
