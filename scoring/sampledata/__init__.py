"""Sample data: datasets in AutoVI's layout, drawn, and anomaly maps of a chosen quality for them.

Real files for demonstrations, tests and measurements; the scorer reads them like any others.
"""

from scoring.sampledata.draw import draw_dataset
from scoring.sampledata.files import SampleDataError
from scoring.sampledata.maps import draw_maps

__all__ = ["SampleDataError", "draw_dataset", "draw_maps"]
