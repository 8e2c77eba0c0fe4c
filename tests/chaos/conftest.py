import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.scenario import SUMMARY, Scenario, Scenarios


@pytest.fixture
def scenario(tmp_path: Path) -> Iterator[Scenario]:
    """An empty folder to run studies in. At its end, processes that are left are killed, and fail the test."""
    scenario = Scenario(tmp_path)
    try:
        yield scenario
        scenario.alone()
    finally:
        scenario.close()


@pytest.fixture
def scenarios(tmp_path: Path) -> Iterator[Scenarios]:
    """A function that creates scenarios."""
    with Scenarios(tmp_path) as scenarios:
        yield scenarios


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> None:
    """Add the summary rows of a test to its report, which may be sent to another process (pytest-xdist)."""
    item.user_properties += [("fault", row) for row in SUMMARY]
    SUMMARY.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the summary, from which the tables of docs/reliability.md are made."""
    reports = [report for reports in terminalreporter.stats.values() for report in reports]
    called = [report for report in reports if getattr(report, "when", "") == "call"]
    faults = [row for report in called for name, row in report.user_properties if name == "fault"]
    if faults:
        terminalreporter.section("faults")
    for row, what, numbers in sorted(faults, key=lambda one: (int("".join(re.findall(r"^\d*", one[0])) or 99), one[1])):
        terminalreporter.write_line(f"| {row} | {what} | {numbers} |")
