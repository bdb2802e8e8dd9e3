"""The one Jinja environment, and rendering with it."""

from functools import cache
from pathlib import Path

import jinja2

from tinykit.codegen import c

_TEMPLATES = Path(__file__).resolve().parent / "templates"


def render(template: str, **values: object) -> str:
    """Render a template; a variable that is missing is an error."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # the output is C, not HTML
        keep_trailing_newline=True,
        line_statement_prefix="%%",
        line_comment_prefix="%#",
    )
    for name in ("c_rows", "c_number", "c_hex", "c_string", "c_fields", "c_arguments", "c_row"):
        environment.filters[name] = getattr(c, name)
    environment.filters["c_type"] = c.c_type
    environment.filters["actions_expression"] = actions_expression
    return environment


def actions_expression(expression: str) -> str:
    """Write an expression of GitHub Actions, whose braces are Jinja's too."""
    return "${{ " + expression + " }}"
