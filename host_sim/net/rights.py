"""Who may say and hear what: the topics of spec smartlvgrid, section 6, for each identity.

Least privilege: one who commands has the `dn` of those below and nothing else; an Operator has his
own `up`. Nobody but a Coordinator and the centre has a word of MAN. `lan` is the broker at the
post, `man` the utility's, `both` one that serves for both. docs/network.md has the table.
"""
from host_sim.net.identities import CENTRE, DEVICE, Identity

NETS = ("lan", "man", "both")
READ, WRITE = "read", "write"
Right = tuple[str, str]


def of(one: Identity, net: str = "both") -> list[Right]:
    """[(read or write, filter)] of one identity at the broker of this net."""
    found = [] if net == "man" else _lan(one)
    if one.role == "coordinator" and net != "lan":
        man = f"slvg/1/man/{one.sc}/"
        found += [(WRITE, man + "up/+"), (WRITE, man + "st"), (READ, man + "dn/+")]
    return found


def of_centre(circuits: list[str]) -> list[Right]:
    """It hears every circuit and commands those that it has keys for."""
    return [(READ, "slvg/1/man/+/up/+"), (READ, "slvg/1/man/+/st"),
            *((WRITE, f"slvg/1/man/{sc}/dn/+") for sc in circuits)]


def _lan(one: Identity) -> list[Right]:
    master, slave = f"slvg/1/mst/{one.sc}/", f"slvg/1/slv/{one.sc}/{one.uc}/"
    if one.role == "coordinator":       # of its own micro-circuit it is Sub-Coordinator as well
        return [(READ, master + "+/up/+"), (WRITE, master + "+/dn/+"),
                (READ, slave + "+/up/+"), (WRITE, slave + "+/dn/+")]
    if one.role == "subcoordinator":
        return [*_member(master, one.id), (READ, slave + "+/up/+"), (WRITE, slave + "+/dn/+")]
    if one.role == "recloser":          # at the post, beside the Sub-Coordinators
        found = _member(master, one.id)
        found += [(WRITE, f"{master}{peer}/dn/rc.st") for peer in one.peers]
        for name in one.devices:        # the machines of the lead
            found += [(READ, f"{slave}{name}/up/gen.st"), (WRITE, f"{slave}{name}/dn/gen.set")]
        return found
    found = _member(slave, one.id)
    if one.role == DEVICE:              # it tells its state and obeys its set-point
        return [(WRITE, f"{slave}{one.id}/up/+"), (READ, f"{slave}{one.id}/dn/+")]
    for name in one.devices:
        found += [(READ, f"{slave}{name}/up/mg.st"), (WRITE, f"{slave}{name}/dn/mg.set")]
    return found


def _member(net: str, name: str) -> list[Right]:
    return [(WRITE, f"{net}{name}/up/+"), (READ, f"{net}{name}/dn/+"), (READ, f"{net}all/dn/+")]


def text(users: dict[str, list[Right]]) -> str:
    """As mosquitto's acl_file has it. No right stands before the first user: it would be
    everybody's."""
    lines = ["# Written by slvg from the keyring. Nobody has a right that does not stand here."]
    for user in sorted(users):
        lines += ["", f"user {user}", *(f"topic {way} {topic}" for way, topic in users[user])]
    return "\n".join(lines) + "\n"


def users(identities: list[Identity], net: str) -> dict[str, list[Right]]:
    """user -> his rights at the broker of this net; who has none there may not connect either."""
    found = {one.user: of(one, net) for one in identities}
    if net != "lan":
        found[CENTRE] = of_centre(sorted({one.sc for one in identities}))
    return {user: rights for user, rights in found.items() if rights}
