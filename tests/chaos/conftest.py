import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.scenario import SUMMARY, Scenario, Scenarios


@pytest.fixture
def scenario(tmp_path: Path) -> Iterator[Scenario]:
    """An empty folder to run studies in. At its end no process of ours may be left for long; what is left is ended."""
    scenario = Scenario(tmp_path)
    try:
        yield scenario
        scenario.alone()
    finally:
        scenario.close()


@pytest.fixture
def scenarios(tmp_path: Path) -> Iterator[Scenarios]:
    """As many as are asked for."""
    with Scenarios(tmp_path) as scenarios:
        yield scenarios


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> None:
    """What a test has put down goes with its report, which may be of another process (pytest-xdist)."""
    item.user_properties += [("fault", row) for row in SUMMARY]
    SUMMARY.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was done how often, and what it cost: the evidence for docs/reliability.md."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    called = [report for report in reports if getattr(report, "when", "") == "call"]
    faults = [row for report in called for name, row in report.user_properties if name == "fault"]
    if faults:
        terminalreporter.section("faults")
    for row, what, numbers in sorted(faults, key=lambda one: (int("".join(re.findall(r"^\d*", one[0])) or 99), one[1])):
        terminalreporter.write_line(f"| {row} | {what} | {numbers} |")
