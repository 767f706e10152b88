"""The U-Net: a network that answers for every pixel, at the size of the image."""

from __future__ import annotations

from typing import Any

from keras import layers

from hpapipe.errors import UserError

NORMALIZATIONS = ("none", "batch")


def unet(
    inputs: Any,
    outputs: int,
    activation: str,
    width: int = 32,
    depth: int = 4,
    normalization: str = "none",
    residual: bool = False,
    dropout: float = 0.5,
) -> Any:
    """A probability for every pixel, `[batch, height, width, outputs]`: 8,629,921 parameters at 256×256×1, 1 output.

    Two 3×3 convolutions with relu make a block; every convolution has a bias and is padded. With the default options:

    | level | size | down: block, pooling by 2, dropout | up: 3×3 transposed convolution, joined, dropout, block |
    |---|---|---|---|
    | 1 | 256 | 32, 32 filters; 0.25: 9,568 | 32, to 64 channels, 0.5; 32, 32: 18,464 + 27,712 |
    | 2 | 128 | 64, 64; 0.5: 55,424 | 64, to 128, 0.5; 64, 64: 73,792 + 110,720 |
    | 3 | 64 | 128, 128; 0.5: 221,440 | 128, to 256, 0.5; 128, 128: 295,040 + 442,624 |
    | 4 | 32 | 256, 256; 0.5: 885,248 | 256, to 512, 0.5; 256, 256: 1,179,904 + 1,769,984 |
    | bridge | 16 | 512, 512, no dropout: 3,539,968 | |

    and a 1×1 convolution as the answer: 33. The count leaves no choice: transposed convolutions of 2×2, the other usual
    size, would make 7,759,521. Dropout stands after each pooling and after each joining, at half its rate after the
    first pooling. Without it the parameters are as many.

    Args:
        inputs: scaled images, float `[batch, height, width, channels]`; height and width divisible by 2 ** depth.
        outputs: channels of the answer; 1 for one kind of mask.
        activation: of the answer.
        width: filters of the first level; each further level has twice as many.
        depth: levels, that is poolings.
        normalization: `none`, or `batch` after each convolution of a block, before relu.
        residual: a block adds what came into it, brought to its number of filters by a 1×1 convolution.
        dropout: share of values dropped; 0: none.

    Raises:
        UserError: height or width is not divisible by 2 ** depth.
        ValueError: an option is out of its range.

    Source: Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation", 2015, padded and at
    half its width. Size of the transposed convolutions and places of dropout as in the kernel "U-net, dropout,
    augmentation, stratification" of the TGS salt identification challenge, 2018, which the study of blastocysts in a
    24-hour movie that hpapipe repeats took over. Batch normalization: Ioffe and Szegedy, 2015. Residual blocks: Zhang
    et al., "Road extraction by deep residual U-Net", 2018.
    """
    _check(inputs.shape[1:3], depth, normalization)
    normal, skips, x = normalization == "batch", [], inputs
    for level in range(depth):
        skips.append(_block(x, width * 2**level, normal, residual))
        x = layers.MaxPooling2D(2)(skips[-1])
        x = layers.Dropout(dropout if level else dropout / 2)(x)
    x = _block(x, width * 2**depth, normal, residual)
    for level in reversed(range(depth)):
        x = layers.Conv2DTranspose(width * 2**level, 3, strides=2, padding="same")(x)
        x = layers.Concatenate()([x, skips[level]])
        x = layers.Dropout(dropout)(x)
        x = _block(x, width * 2**level, normal, residual)
    return layers.Conv2D(outputs, 1, activation=activation, dtype="float32", name="head")(x)


def _check(size: tuple[int, int], depth: int, normalization: str) -> None:
    if depth < 1:
        raise ValueError(f"depth must be 1 or more, not {depth}")
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization must be among {', '.join(NORMALIZATIONS)}, not {normalization}")
    step = 2**depth
    if any(side % step for side in size):
        above = "×".join(str(-(-side // step) * step) for side in size)
        rule = f"Images for a U-Net of depth {depth} must have a height and a width divisible by {step}."
        remedy = f"Set `data.size` to {above}, or lower `model.options.depth`."
        raise UserError(rule, f"{size[0]}×{size[1]}", remedy)


def _block(x: Any, filters: int, normal: bool, residual: bool) -> Any:
    y = layers.ReLU()(_convolution(x, filters, normal))
    y = _convolution(y, filters, normal)
    if residual:
        shortcut = x if x.shape[-1] == filters else layers.Conv2D(filters, 1)(x)
        y = layers.Add()([shortcut, y])
    return layers.ReLU()(y)


def _convolution(x: Any, filters: int, normal: bool) -> Any:
    # A bias before batch normalization would be taken away with the mean.
    x = layers.Conv2D(filters, 3, padding="same", use_bias=not normal)(x)
    return layers.BatchNormalization()(x) if normal else x
