"""The checker of shapes for jaxtyping's import hook; an int is a float here, too."""

from beartype import BeartypeConf, beartype

checked = beartype(conf=BeartypeConf(is_pep484_tower=True))
