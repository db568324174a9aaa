"""CSF-2: who runs when, and that the watchdog starves when somebody hangs."""
from acu.primitives.processing import Scheduler


class Dog:
    def __init__(self):
        self.fed = 0

    def feed(self):
        self.fed += 1


class Work:
    def __init__(self):
        self.at = []

    def __call__(self, now_ms):
        self.at.append(now_ms)


def run(s, until_ms, since_ms=0, step_ms=10, ticking=True):
    """The main loop: True if every pass was healthy."""
    healthy = True
    for t in range(since_ms, until_ms, step_ms):
        healthy = s.run(t, t if ticking else 7) and healthy
    return healthy


def test_tasks_run_at_their_periods_from_the_first_pass_on():
    s = Scheduler()
    fast, slow = Work(), Work()
    s.add("fast", fast, 10, 500)
    s.add("slow", slow, 100, 500)
    assert run(s, 250)
    assert fast.at == list(range(0, 250, 10))
    assert slow.at == [0, 100, 200]


def test_a_late_pass_does_not_make_a_task_run_twice_to_catch_up():
    s = Scheduler()
    w = Work()
    s.add("w", w, 100, 5000)
    run(s, 110)
    run(s, 1300, 1000)
    assert w.at == [0, 100, 1000, 1100, 1200]


def test_a_missed_deadline_starves_the_watchdog_once_and_is_counted():
    dog = Dog()
    s = Scheduler(dog)
    s.add("a", Work(), 10, 500)
    s.add("b", Work(), 1000, 2500)
    assert run(s, 1000) and dog.fed == 100 and s.late == {}
    assert not s.run(1600, 1)            # 610 ms since the last pass
    assert s.late == {"a": 1} and dog.fed == 100
    assert s.run(1610, 2) and dog.fed == 101


def test_a_task_that_never_ran_has_no_deadline_yet():
    s = Scheduler()
    s.add("a", Work(), 10, 500)
    assert s.run(100_000, 1)


def test_the_watchdog_starves_while_the_fast_tick_stands_still():
    dog = Dog()
    s = Scheduler(dog)
    s.add("a", Work(), 10, 500)
    run(s, 500, ticking=False)
    assert dog.fed == 50 and s.fast_dead_ms == 490
    assert not s.run(500, 7) and dog.fed == 50 and s.fast_dead_ms == 500
    assert s.run(510, 8) and dog.fed == 51 and s.fast_dead_ms == 0


def test_without_a_watchdog_it_says_the_same():
    s = Scheduler()
    assert s.run(0, 1) and s.run(400, 1) and not s.run(600, 1)


def test_quiet_tasks_do_not_end_a_rest_and_keep_their_phase():
    dog = Dog()
    s = Scheduler(dog)
    measure, inputs, beat = Work(), Work(), Work()
    s.add("measure", measure, 10, 500, True)
    s.add("inputs", inputs, 1000, 3000, True)
    s.add("beat", beat, 30_000, 60_500)
    for t in range(0, 30, 10):
        s.run(t, t)
    assert s.rest_ms(20) == 29_980
    s.rested(12_340, 1)                   # a message came
    assert s.run(12_340, 99) and s.late == {}
    assert measure.at[-1] == 12_340 and inputs.at == [0]      # its turn was at 12,000
    for t in range(12_350, 13_010, 10):
        s.run(t, t)
    assert inputs.at == [0, 13_000]
    s.rested(30_000, 2)
    s.run(30_000, 5)
    assert beat.at == [0, 30_000] and inputs.at[-1] == 30_000


def test_a_pass_that_comes_late_without_a_rest_is_no_rest():
    s = Scheduler(Dog())
    s.add("measure", Work(), 10, 500, True)
    s.run(0, 1)
    assert not s.run(12_340, 2) and s.late == {"measure": 1}


def test_a_dead_fast_tier_starves_the_watchdog_also_with_rests():
    dog = Dog()
    s = Scheduler(dog)
    s.add("quiet", Work(), 10, 500, True)
    s.add("beat", Work(), 2000, 5000)
    assert run(s, 100) and s.rest_ms(90) == 1910
    fed = dog.fed
    s.rested(2000, 90)                  # the counter stands as in the last pass, at 90
    assert not s.run(2000, 90) and dog.fed == fed
    assert s.rest_ms(2000) == 0         # nor is it fed in the pieces of another rest
    assert s.run(2010, 91) and s.rest_ms(2010) == 1990
