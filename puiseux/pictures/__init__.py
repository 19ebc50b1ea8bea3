"""Pictures of networks (regions, graphs, dual graphs, bent hyperplanes, space, slices, growth) and of polynomials.

The public functions are in `puiseux.pictures.plot`, those for polynomials in `puiseux.pictures.polynomials`; matplotlib
and plotly are imported when a picture is drawn.
"""
