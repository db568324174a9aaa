"""The MicroPython process: finding it, and that nothing is left of it whatever happens."""
import shutil

import pytest

from host_sim.vm import client, find, process


@pytest.fixture(autouse=True)
def nothing_remembered():
    find.micropython.cache_clear()
    yield
    find.micropython.cache_clear()


def script(tmp_path, text):
    path = tmp_path / "micropython"
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def test_a_wrong_micropython_is_named_and_no_other_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(find, "_PROBE_S", 0.2)
    junk = script(tmp_path, "\x01\x02\x03")
    for given, why in ((str(tmp_path), "cannot be run"), (__file__, "cannot be run"),
                       ("/no/such", "No such file"), (junk, "cannot be run"),
                       (shutil.which("true"), "is not one")):
        monkeypatch.setenv("MICROPYTHON", given)
        with pytest.raises(find.NoMicroPython, match="^E130 ") as e:
            find.micropython()
        assert given in str(e.value) and why in str(e.value)
    monkeypatch.setenv("MICROPYTHON", script(tmp_path, "#!/bin/sh\nexec sleep 5\n"))
    with pytest.raises(find.NoMicroPython, match="says nothing"):
        find.micropython()


def vm_of(tmp_path, monkeypatch, text):
    """A stand-in for the VM; its process is put into the list."""
    made = []
    popen = process.subprocess.Popen

    def start(*what, **more):
        assert more["start_new_session"], "a Ctrl-C must not reach the VM"
        made.append(popen(*what, **more))
        return made[-1]

    monkeypatch.setattr(process, "micropython", lambda: script(tmp_path, text))
    monkeypatch.setattr(process.subprocess, "Popen", start)
    return made


def test_a_vm_that_ends_or_talks_nonsense_is_an_error_and_is_gone(tmp_path, monkeypatch):
    spec = {"id": "eu1", "board": {"pairs": [[3, 4]]}}
    for text, why in (("#!/bin/sh\nexit 3\n", "exit code 3"),
                      ("#!/bin/sh\nexec yes\n", "unexpected output")):
        made = vm_of(tmp_path, monkeypatch, text)
        with pytest.raises(client.VmError, match=f"^E134 .*{why}"):
            client.VmFirmware([spec], None)
        assert made[0].poll() is not None
        monkeypatch.undo()


def test_a_vm_stopped_within_a_request_is_gone(tmp_path, monkeypatch):
    def interrupted(self, n):
        raise KeyboardInterrupt

    made = vm_of(tmp_path, monkeypatch, "#!/bin/sh\nexec sleep 30\n")
    monkeypatch.setattr(client.VmFirmware, "_read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.VmFirmware([{"id": "eu1", "board": {"pairs": [[3, 4]]}}], None)
    assert made[0].poll() is not None
