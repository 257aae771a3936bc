"""From samples to a row of the table."""
import statistics

# An engine that reads less than all that memory gives leaves room to be faster: below
# this many times its speed, a decode ratio says more about the neighbours.
ROOM = 1.4

# A decode is judged by GB/s of weights, a prefill by Gop/s.
HEADER = ["model", "weights", "phase", "threads", "A tokens/s", "B tokens/s", "A / B", "runs that count", "A G/s",
          "B G/s", "limit G/s", "A share", "B share"]


class Sample:
    """One run of each, A then B, with the limit before, between and after.

    `count` tokens took `ours` and `theirs` seconds; a token costs `cost[engine]` bytes or
    operations, of which the machine can do `limits[i]` a second. `faults` are both
    engines' page faults, each (major, minor).
    """

    def __init__(self, count, cost, ours, theirs, limits, faults=((0, 0), (0, 0))):
        self.speeds = count / ours, count / theirs
        self.rates = cost[0] * self.speeds[0], cost[1] * self.speeds[1]
        before, between, after = limits
        self.limits = (before + between) / 2, (between + after) / 2
        self.limit = (before + between + after) / 3
        self.faults = faults

    @property
    def ratio(self):
        return self.speeds[0] / self.speeds[1]

    def shares(self):
        return [rate / limit for rate, limit in zip(self.rates, self.limits)]

    def counts(self, phase):
        """Whether the ratio counts: a prefill's always, a decode's where the memory had
        room for an engine faster than B."""
        return phase != "decode" or self.limit >= ROOM * self.rates[1]


def spread(numbers):
    """Standard deviation, in percent of the median."""
    return 100 * statistics.stdev(numbers) / statistics.median(numbers) if len(numbers) > 1 else 0.0


def speed(numbers):
    median = statistics.median(numbers)
    digits = 0 if median >= 1000 else 1
    return f"{median:,.{digits}f} ± {spread(numbers):.0f} %"


def row(model, weights, phase, tokens, threads, samples):
    """Cells of the table: medians over `samples`. The ratio is the median of those that
    count; in brackets, over all, where less than half do."""
    counting = [sample.ratio for sample in samples if sample.counts(phase)]
    enough = 2 * len(counting) >= len(samples)
    ratio = statistics.median(counting if enough else [sample.ratio for sample in samples])
    ours, theirs = zip(*(sample.speeds for sample in samples))
    median = statistics.median
    giga = [median(sample.rates[engine] for sample in samples) * 1e-9 for engine in (0, 1)]
    shares = [median(sample.shares()[engine] for sample in samples) for engine in (0, 1)]
    limits = [sample.limit for sample in samples]
    digits = 1 if phase == "decode" else 0
    return [model, weights, phase if phase == "decode" else f"{phase} ({tokens})", str(threads),
            speed(ours), speed(theirs),
            f"{ratio:.2f}×" if enough else f"({ratio:.2f}×)", f"{len(counting)} of {len(samples)}",
            *(f"{rate:,.{digits}f}" for rate in giga), f"{median(limits) * 1e-9:,.{digits}f} ± {spread(limits):.0f} %",
            *(f"{100 * share:.0f} %" for share in shares)]


def rereads(samples):
    """A line for each engine whose file was not all in memory; some virtual machines drop
    the pages of one that was idle for a minute."""
    for engine, name in enumerate("AB"):
        majors = [sample.faults[engine][0] for sample in samples]
        if any(majors):
            yield f"{name} met major page faults, as not all of its file was in memory: {', '.join(map(str, majors))}"


def table(rows):
    """Markdown, with columns as wide as their widest cell."""
    widths = [max(len(cells[i]) for cells in [HEADER, *rows]) for i in range(len(HEADER))]
    lines = [HEADER, ["-" * width for width in widths], *rows]
    padded = ([cell.ljust(width) for cell, width in zip(cells, widths)] for cells in lines)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in padded)
