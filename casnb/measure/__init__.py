"""Which code would run: a container image or program measured, without running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from casnb.base.surface import surface

if TYPE_CHECKING:
    from casnb.measure.image import read_image as read_image
    from casnb.measure.measurement import Measurement as Measurement
    from casnb.measure.measurer import measure as measure
    from casnb.measure.statements import Statements as Statements
    from casnb.measure.statements import find_statements as find_statements

__all__, __getattr__ = surface(
    __name__,
    {
        "Measurement": "casnb.measure.measurement",
        "Statements": "casnb.measure.statements",
        "find_statements": "casnb.measure.statements",
        "measure": "casnb.measure.measurer",
        "read_image": "casnb.measure.image",
    },
)
