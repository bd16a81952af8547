"""`scripts/siege ATTACK`: run one attack, or all of them, and print its figures."""

import importlib
import pkgutil

import click

from scripts import sieging

ATTACKS = sorted(
    module.name
    for module in pkgutil.iter_modules(sieging.__path__)
    if not module.name.startswith("_")
)


@click.command()
@click.argument("attacks", nargs=-1, type=click.Choice(ATTACKS))
def main(attacks: tuple[str, ...]) -> None:
    """Attack a server of our own, and print what it took and what others felt of it."""
    for name in attacks or ATTACKS:
        attack = importlib.import_module(f"scripts.sieging.{name}")
        click.echo(f"# {name}: {(attack.__doc__ or '').partition(chr(10))[0]}")
        for what, value in attack.run():
            click.echo(f"{what:60} {value}")


if __name__ == "__main__":
    main()
