"""A frame that one Python takes and the other refuses would make two programs of one."""
import random
import subprocess
from pathlib import Path

from acu import messages
from tests.host.test_messages_fuzz import bent, whole

ROOT = Path(__file__).resolve().parents[2]
JUDGE = """
import sys
sys.path[:] = [sys.argv[1]] + sys.path
from binascii import unhexlify
from acu import messages
for line in open(sys.argv[2]):
    print(int(messages.decode(unhexlify(line.strip())) is not None))
"""


def test_both_pythons_judge_300_bent_frames_alike(vm, tmp_path):
    r = random.Random(20_260_301)
    types = sorted(messages.TABLE)
    frames = [bent(whole(r.choice(types), r), r) for _ in range(260)]
    frames += [whole(t, r) for t in types] + [whole(r.choice(types),
                                                    r) for _ in range(40 - len(types))]
    here = [messages.decode(raw) is not None for raw in frames]
    assert len(frames) == 300 and 40 <= sum(here) < 150       # both kinds are among them

    (tmp_path / "frames").write_text("\n".join(raw.hex() for raw in frames))
    (tmp_path / "judge.py").write_text(JUDGE)
    done = subprocess.run([vm, str(tmp_path / "judge.py"), str(ROOT / "firmware"),
                           str(tmp_path / "frames")],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    there = [line == "1" for line in done.stdout.split()]
    assert len(there) == 300
    assert [raw for raw, a, b in zip(frames, here, there, strict=True) if a != b] == []
