"""Documents: uploads, conversion, page images, shares, the viewer."""
