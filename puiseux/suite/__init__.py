"""The reference suite: networks with exact answers, for other programs to be tested against."""

from puiseux.suite.export import export_suite
from puiseux.suite.networks import SUITE_VERSION, SuiteNetwork, suite_networks
from puiseux.suite.report import SuiteRun
from puiseux.suite.run import run_suite

__all__ = ["SUITE_VERSION", "SuiteNetwork", "SuiteRun", "export_suite", "run_suite", "suite_networks"]
