"""Outlines scored at the size that their network sees: `python benchmarks/at_network_size.py RUN`, beside its store.

`hpapipe train` scores masks at the images' own size, which is what areas are measured at. Published figures are often
of images and masks that were both brought to the network's size first, and are higher: a mask that was made smaller and
enlarged again is no longer itself. Each image is answered by the networks that never saw it, at a cut of 0.5.

Prints the mean IoU at the network's size, and what the true masks themselves reach when they are made smaller and
enlarged again: no network of that size can be better at the images' own.
"""

from __future__ import annotations

import argparse

import numpy as np

from hpapipe.quiet import import_quietly, quiet

CUT = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="id of a run of segmentation with split.validate_on: each")
    given = parser.parse_args()
    quiet()
    import_quietly("keras")
    from hpapipe.imageset.decode import resize
    from hpapipe.imageset.upright import upright
    from hpapipe.progress import track
    from hpapipe.tasks.segmenter import ask, enlarged
    from hpapipe.tracking import registry, runs
    from hpapipe.workflows.kept import recipe_of
    from hpapipe.workflows.pairs import inspect_pairs, pairs_folder, prepare_pairs

    run = runs.find(given.run)
    recipe = recipe_of(run)
    model, _, _ = registry.load(recipe.register_as, registry.version_of(run, recipe.register_as))
    version = model.unwrap_python_model().version
    folder = pairs_folder(recipe)
    images = prepare_pairs(recipe, folder, *inspect_pairs(recipe, folder)).images
    folds = runs.read_table(run, "split").set_index("id")["fold"]
    reached, ceiling = [], []
    for place in track(range(len(images)), "Scoring", len(images)):
        fold, mask = folds[images.ids[place]], images.mask(place)
        asked = [
            (network, member)
            for network, member in zip(version.networks, version.spec.members, strict=True)
            if member.fold == fold
        ]
        if not asked:
            continue
        size = asked[0][1].size
        seen = resize(upright(images.image(place), size), size)[None, ..., None]
        answer = np.mean([ask(network, seen, version.spec.turns).mean(axis=0)[0] for network, _ in asked], axis=0)
        small = resize(upright(np.uint8(255) * mask, size), size) >= 128
        reached.append(iou(answer >= CUT, small))
        ceiling.append(iou(enlarged(small.astype(np.float32), mask.shape) >= CUT, mask))
    height, width = version.spec.members[0].size
    print(f"{len(reached)} images, each by networks that never saw it")
    print(f"mean IoU at {width}×{height} px: {np.mean(reached):.3f}")
    print(f"true masks of {width}×{height} px at the images' own size: {np.mean(ceiling):.3f}")


def iou(one: np.ndarray, other: np.ndarray) -> float:
    either = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / either if either else 1.0


if __name__ == "__main__":
    main()
