"""The part of app.build() for a recloser that does more than a plain one, loaded for nobody else
and forgotten: names of modules that a board does not use are memory, too (host_sim/memory.py).

Imports one after the other: each import within an import takes a piece of a board's stack.
"""


def role(more):
    """The class of the role. more: tables() of recloser_settings.more(): a place in the
    four-recloser scheme, or what automatic reclosing is made of. Makes nothing."""
    __import__("acu.roles.recloser")
    if not isinstance(more, int):
        from acu.roles.auto_recloser import AutoRecloser as Role
        return Role
    __import__("acu.roles.islander")
    if more < 2:
        from acu.roles.separator import Separator as Role
    if more == 0:
        from acu.roles.separator_lead import SeparatorLead as Role
    elif more == 2:
        from acu.roles.tie_recloser import TieRecloser as Role
    elif more == 3:
        from acu.roles.shed_recloser import ShedRecloser as Role
    return Role
