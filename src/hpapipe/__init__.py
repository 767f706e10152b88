"""hpapipe: from a folder of microscope images to a tracked, thresholded, promoted model and its predictions."""

__version__ = "0.5.0"
