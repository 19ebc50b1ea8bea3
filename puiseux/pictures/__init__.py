"""Pictures of networks: regions, graphs, dual graphs, bent hyperplanes, space, slices, growth.

The public functions are in `puiseux.pictures.plot`; matplotlib and plotly are imported when a picture is drawn.
"""
