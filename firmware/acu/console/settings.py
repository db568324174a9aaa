"""SHO, SET, SAV, REV: settings, each with its unit, default and bounds.

SET changes a draft that lives as long as the session. SAV judges it as a whole, as the start
would, stores it and asks for the restart that puts it in force; nothing is stored otherwise.
"""
import json

from acu import events as ev
from acu.console.session import Abort


def run(session, word, words):
    unit = session.unit
    if word == "SHO":
        yield from _show(session, words)
    elif word == "SET":
        yield from _set(session, words)
    elif session.draft is None:
        raise Abort("E304 %s: there is no draft. Change something first: SET key value." % word)
    elif word == "REV":
        session.draft = None
        yield "The draft is thrown away."
    else:
        yield from _save(session, unit)


def _rule(config, rule):
    """(default, bounds) as text."""
    if rule == config.WORD:
        return "-", "identity: a-z 0-9 _ -"
    if rule == config.LIST:
        return "[]", "list"
    if isinstance(rule[0], str):
        return "-", " ".join(rule)
    return str(rule[0]), "%d to %d" % (rule[1], rule[2])


def _unit(config, key):
    unit = config.unit(key)
    return " x " + unit if unit[:2] == "0." else " " + unit if unit else ""


def _show(session, words):
    from acu import config
    cfg = session.unit.cfg if session.draft is None else session.draft
    role = cfg.get("role")
    if words and config.rule_of(role, words[0]) is None:
        raise Abort(config.unknown(role, words[0]))
    session.form = "%-14s %-16s %-10s %s"
    if not session.twin:
        yield ("key", "value", "default", "bounds, unit")
    for key, rule in config.rules(role):
        if words and key != words[0]:
            continue
        default, bounds = _rule(config, rule)
        value = cfg.get(key)
        if isinstance(value, (list, tuple)):
            value = "[" + " ".join([str(x) for x in value]) + "]"
        yield (key, default if value is None else value, default, bounds + _unit(config, key))
    if session.draft is not None and not session.twin:
        yield "This is the draft. SAV stores it, REV throws it away."


def _set(session, words):
    if not words:
        yield from _show(session, words)
        return
    from acu import config
    draft = dict(session.unit.cfg if session.draft is None else session.draft)
    key = words[0].lower()
    rule = config.rule_of(draft.get("role"), key)
    if rule is None:
        raise Abort(config.unknown(draft.get("role"), key))
    if len(words) > 1:
        value = " ".join(words[1:])
    else:
        _, bounds = _rule(config, rule)
        value = yield from session.ask("%s = %s (%s%s) ? " % (
            key, draft.get(key, "-"), bounds, _unit(config, key)))
    value = value.strip()
    if value == "":
        raise Abort("E306 cancelled. %s stays." % key)
    value = _value(config, rule, value)
    sentence = config.wrong(key, value, {key: rule})
    if sentence:
        raise Abort(sentence)
    draft[key] = value
    session.draft = draft
    yield "%s = %s, in the draft. SAV stores it." % (key, value)


def _value(config, rule, text):
    """As JSON would have it: a number, a list, else a word."""
    if rule == config.LIST:
        if text[:1] == "[" and text[-1:] == "]":     # MicroPython's json needs no end
            try:
                return json.loads(text)
            except ValueError:
                return text
        if text[:1] == "[":
            return text
        return [_whole(x) for x in text.replace(",", " ").split()]
    if rule != config.WORD and not isinstance(rule[0], str):
        return _whole(text)
    return text


def _whole(text):
    """A number, where it is one."""
    digits = text[1:] if text[:1] == "-" else text
    return int(text) if digits.isdigit() else text


def _save(session, unit):
    draft = session.draft
    before = unit.cfg
    n = 0
    session.form = "%-14s %s -> %s"
    for key in sorted(set(list(draft) + list(before))):
        if draft.get(key) != before.get(key):
            n += 1
            yield (key, before.get(key, "-"), draft.get(key, "-"))
    if not n:
        session.draft = None
        yield "Nothing differs from what is stored."
        return
    yield from session.sure("Store these settings and restart")
    wrong = unit.save_settings(draft)
    if wrong:
        for line in wrong.split("\n"):
            yield line
        raise Abort("Nothing is stored. The draft stays: SET what is wrong, then SAV.")
    session.draft = None
    session.log(ev.SETTINGS, n)
    yield "Stored. Restarting to put them in force."
    unit.request_reset("console")

