"""The command line of `./dev`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from devtools import Problem, commands, demo
from devtools.console import Console


def main(arguments: Sequence[str]) -> int:
    """Runs one command. Exit codes: the command's own; 1 a problem, 2 usage, 130 Ctrl-C."""
    options = parse(arguments)
    console = Console()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    try:
        return _run(options, console)
    except Problem as problem:
        print(f"{console.paint('./dev:', 'bad')} {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options; `test` keeps what it does not know for pytest."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command != "test":
        parser.error(f"unknown arguments: {' '.join(rest)}")
    options.rest = [argument for argument in rest if argument != "--"]
    return options


def _run(options: argparse.Namespace, console: Console) -> int:
    match options.command:
        case "demo":
            return demo.run(options.host, options.port, console, verbose=options.verbose)
        case "env":
            return commands.env(console)
        case "test":
            return commands.test(options.long, options.rest, console)
        case "check":
            return commands.check(console)
        case _:
            return commands.bench(options.names, console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./dev", description="Runs, tests and checks the board.")
    actions = parser.add_subparsers(dest="command", required=True, metavar="command")

    text = "serve the board here: web, worker and beat, with sample data and a demo account"
    action = actions.add_parser("demo", help=text, description=text)
    action.add_argument(
        "--port", type=_port, help="default: 8000, or the next free one; 0: any free one"
    )
    action.add_argument("--host", default="127.0.0.1", help="where to listen (default 127.0.0.1)")
    text = "show all that the programs log, not only warnings and how submissions end"
    action.add_argument("--verbose", action="store_true", help=text)

    text = "make or mend the environment .venv, which holds the autovi command, and start nothing"
    actions.add_parser("env", help=text, description=text)

    text = "run the whole test suite; further arguments go to pytest"
    usage = "./dev test [-h] [--long] [pytest arguments ...]"
    action = actions.add_parser(
        "test", help=text, description=text, usage=usage, allow_abbrev=False
    )
    action.add_argument("--long", action="store_true", help="with the slow tests")

    text = "lint, format, types, import rules, migrations, deployment settings"
    actions.add_parser("check", help=text, description=text)

    text = "run the measurements of bench/, all or the named ones"
    action = actions.add_parser("bench", help=text, description=text)
    action.add_argument("names", nargs="*", metavar="name", help=_known_benches())
    return parser


def _known_benches() -> str:
    return ", ".join(commands.benches()) or "there is none yet"


def _port(text: str) -> int:
    if text.isdecimal() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port; expected 0 to 65535")


def _terminate(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)
