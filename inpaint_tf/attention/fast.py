"""Contextual attention as matrix products and diagonal sums: the numbers of the literal form at a fifth of the cost.

Three rewritings, each exact up to rounding. Notation: i a foreground position, k a background position, C channels.

Matching. The correlation of two 3x3 patches is the sum of nine pixel products along a diagonal of the pixel Gram
matrix G[i, k] = <f_i, b_k>: S[i, k] = sum over d in {-1, 0, 1}^2 of G[i + d, k + d], where a term is 0 outside the
grid (the zero padding). One matrix product (C multiply-adds a pair instead of 9 C), then shifted additions, first
along rows and then along columns. The squared patch norms are the same sum over |b_k|^2.

Propagation (score fusion) with the identity kernel is a diagonal sum too: of the flattened indices, first row-major,
then column-major. The next position in column-major order is one row down, or from the last row to the top of the
next column; on row-major storage that is a shift by one row plus a correction of the first or last row, so nothing
is transposed.

Pasting. A stride-r transposed convolution with 2r x 2r patches writes each r x r cell of the output from its own
patch and from three neighbours. Patches overlap as well, so the sum moves inside: along one axis, at rate 2,

    out[2j]     = sum_k (A[j, k] + A[j - 1, k - 1]) b[2k]
    out[2j + 1] = sum_k (A[j, k] + A[j + 1, k + 1]) b[2k + 1]

Both brackets are the same array P[j, k] = A[j, k] + A[j + 1, k + 1], one step apart, so out[2j + 2] and out[2j + 1]
are one product of P with b[2k + 2] and b[2k + 1] side by side. In two dimensions P is a 2x2 diagonal sum over pairs
that reach one position over every edge, and one matrix product gives all corners of the cells (4 C, not 16 C).

Everything works on whole batches; there is no loop over samples.
"""

import tensorflow as tf

from inpaint_tf.attention.literal import SMALLEST_NORM
from inpaint_tf.attention.settings import AttentionSettings
from inpaint_tf.layers.resize import resize_nearest_align_corners, spatial_size

# A Python integer, or an int32 scalar where the size is known only to the running graph.
Size = int | tf.Tensor


def fast_attention(
    foreground: tf.Tensor, background: tf.Tensor, mask: tf.Tensor, settings: AttentionSettings
) -> tuple[tf.Tensor, tf.Tensor]:
    """Contextual attention.

    Args:
        foreground: float32 [B, H, W, C], the features to rebuild. H and W are multiples of the rate.
        background: float32 [B, H', W', C], the features to copy from. H' and W' are multiples of the rate.
        mask: float32 [B or 1, H', W', 1], 1 where the background is missing.
        settings: The layer's.

    Returns:
        float32 [B, H, W, C], the background pasted by attention; and int32 [B, H / rate, W / rate, 2], (row, column)
        of every position's strongest patch, absolute, on the background's H' / rate x W' / rate grid.
    """
    grids = [[size // settings.rate for size in spatial_size(x)] for x in (foreground, background)]
    f, b = (resize_nearest_align_corners(x, *grid) for x, grid in zip((foreground, background), grids))
    return attention_on_grids(f, b, background, mask, settings)


def attention_on_grids(
    f: tf.Tensor, b: tf.Tensor, background: tf.Tensor, mask: tf.Tensor, settings: AttentionSettings
) -> tuple[tf.Tensor, tf.Tensor]:
    """`fast_attention` of features that are at the size of matching already.

    Args:
        f: float32 [B, h, w, C], the foreground at 1/rate of its size.
        b: float32 [B, h', w', C], the background at 1/rate of its size.
        background: float32 [B, h' rate, w' rate, C], the background.
        mask: As in `fast_attention`.
        settings: The layer's.

    Returns:
        As `fast_attention`.
    """
    grid, grid_b = spatial_size(f), spatial_size(b)
    scores = patch_products(f, b, settings.kernel_size) / patch_norms(b, settings.kernel_size)
    if settings.fuse:
        scores = propagate_rows(scores, settings.fuse_kernel)
        scores = propagate_columns(scores, grid[1], grid_b[1], settings.fuse_kernel)
    valid = valid_patches(mask, grid_b, settings.kernel_size)
    weights = tf.nn.softmax(scores * (valid * settings.softmax_scale), axis=-1) * valid
    best = tf.argmax(weights, axis=-1, output_type=tf.int32)
    best = tf.reshape(best, tf.stack([-1, grid[0], grid[1]]))
    offsets = tf.stack([best // grid_b[1], best % grid_b[1]], axis=-1)
    return paste(weights, background, grid, grid_b, settings.rate), offsets


def patch_products(f: tf.Tensor, b: tf.Tensor, kernel_size: int) -> tf.Tensor:
    """Correlation of zero-padded foreground patches with zero-padded background patches, not normalised.

    Args:
        f: float32 [B, h, w, C].
        b: float32 [B, h', w', C].
        kernel_size: Odd side of the patches.

    Returns:
        float32 [B, h w, h' w'].
    """
    grid, grid_b, channels = spatial_size(f), spatial_size(b), f.shape[-1]
    f = tf.reshape(f, tf.stack([-1, grid[0] * grid[1], channels]))
    b = tf.reshape(b, tf.stack([-1, grid_b[0] * grid_b[1], channels]))

    reach = kernel_size // 2
    gram = tf.matmul(f, b, transpose_b=True)
    # Rows: on flattened indices a step of one row is a shift by the width, and running over the edge is the padding.
    rows = _both_ways(gram, reach, grid[1], grid_b[1])
    # Columns: here the ends of rows must not meet, so the index is split first.
    rows = tf.reshape(rows, tf.stack([-1, grid[0], grid[1], grid_b[0], grid_b[1]]))
    products = _both_ways(rows, reach, 1, 1, axes=(2, 4))
    return tf.reshape(products, tf.stack([-1, grid[0] * grid[1], grid_b[0] * grid_b[1]]))


def patch_norms(b: tf.Tensor, kernel_size: int) -> tf.Tensor:
    """float32 [B, 1, h' w']: norms of the zero-padded patches of float32 [B, h', w', C], at least `SMALLEST_NORM`."""
    energy = tf.reduce_sum(tf.square(b), axis=-1, keepdims=True)
    window = tf.ones([kernel_size, kernel_size, 1, 1])
    norms = tf.sqrt(tf.maximum(tf.nn.conv2d(energy, window, strides=1, padding="SAME"), SMALLEST_NORM**2))
    height, width = spatial_size(b)
    return tf.reshape(norms, tf.stack([-1, 1, height * width]))


def propagate_rows(scores: tf.Tensor, fuse_kernel: int) -> tf.Tensor:
    """Diagonal sum of float32 [B, h w, h' w'] scores on row-major flattened indices, `fuse_kernel` (odd) long."""
    return _both_ways(scores, fuse_kernel // 2, 1, 1)


def propagate_columns(scores: tf.Tensor, width: Size, width_b: Size, fuse_kernel: int) -> tf.Tensor:
    """Diagonal sum of scores on column-major flattened indices.

    Args:
        scores: float32 [B, h w, h' w'], stored row-major.
        width: w of the foreground grid.
        width_b: w' of the background grid.
        fuse_kernel: Odd length of the diagonal.

    Returns:
        float32 [B, h w, h' w'].
    """
    total = [scores]
    for step in (_previous_in_column_order, _next_in_column_order):
        shifted = scores
        for _ in range(fuse_kernel // 2):
            shifted = step(step(shifted, 1, width), 2, width_b)
            total.append(shifted)
    return tf.add_n(total)


def valid_patches(mask: tf.Tensor, grid_b: tuple[Size, Size], kernel_size: int) -> tf.Tensor:
    """float32 [B or 1, 1, h' w']: 1 where the matching patch (zero padded) holds no missing pixel."""
    mask = resize_nearest_align_corners(mask, *grid_b)
    touched = tf.nn.max_pool2d(tf.abs(mask), kernel_size, strides=1, padding="SAME")
    return tf.reshape(tf.cast(tf.equal(touched, 0.0), tf.float32), tf.stack([-1, 1, grid_b[0] * grid_b[1]]))


# Zeros around the last two axes [h', w'] of weights: a blank column before every row, and blank rows. Whatever a pair
# reaches over an edge is then 0.
KEY_FRAME = [1, 2], [1, 0]


def paste(
    weights: tf.Tensor, background: tf.Tensor, grid: tuple[Size, Size], grid_b: tuple[Size, Size], rate: int
) -> tf.Tensor:
    """Transposed convolution of attention weights with raw 2 rate x 2 rate background patches, divided by 4.

    Args:
        weights: float32 [B, h w, h' w'].
        background: float32 [B, h' rate, w' rate, C].
        grid: (h, w).
        grid_b: (h', w').
        rate: Stride of the patches.

    Returns:
        float32 [B, h rate, w rate, C].
    """
    (height, width), (height_b, width_b) = grid, grid_b
    weights = tf.reshape(weights, tf.stack([-1, height, width, height_b, width_b]))
    weights = tf.pad(weights, [[0, 0], *KEY_FRAME, *KEY_FRAME])
    weights = tf.reshape(weights, tf.stack([-1, (height + 3) * (width + 1), (height_b + 3) * (width_b + 1)]))
    squares = square_sums(weights, width + 1, width_b + 1)
    squares = tf.slice(squares, [0, 0, 0], [-1, (height + 1) * (width + 1), (height_b + 1) * (width_b + 1)])
    pasted = tf.matmul(squares, square_corners(background, grid_b, rate))
    pasted = tf.reshape(pasted, tf.stack([-1, height + 1, width + 1, rate**2, background.shape[-1]]))
    return pixels_of_squares(pasted, grid, rate)


def square_sums(weights: tf.Tensor, stride: Size, stride_b: Size) -> tf.Tensor:
    """y[b, i, k]: weights of the four pairs from (i, k) one row and one column further, on both sides, added up.

    Args:
        weights: float32 [B, queries, keys], flattened grids.
        stride: Queries from one row to the next.
        stride_b: Keys from one row to the next.

    Returns:
        float32 [B, queries - stride - 1, keys - stride_b - 1].
    """
    return _with_next(_with_next(weights, 1, 1), stride, stride_b)


def square_corners(background: tf.Tensor, grid_b: tuple[Size, Size], rate: int) -> tf.Tensor:
    """What a square of weights is multiplied with: from each of the cells around it, the pixels that it belongs to.

    Args:
        background: float32 [B, h' rate, w' rate, C].
        grid_b: (h', w').
        rate: Pixels along a side of a cell.

    Returns:
        float32 [B, (h' + 1) (w' + 1), rate^2 C], the pixels of a cell side by side.
    """
    (height, width), channels = grid_b, background.shape[-1]
    second = _second_of_pair(rate)
    cells = tf.reshape(background, tf.stack([-1, height, rate, width, rate, channels]))
    corners = [
        tf.pad(cells[:, :, row, :, column], [[0, 0], *([0, 1] if second[e] else [1, 0] for e in (row, column)), [0, 0]])
        for row in range(rate)
        for column in range(rate)
    ]
    return tf.reshape(tf.concat(corners, axis=-1), tf.stack([-1, (height + 1) * (width + 1), rate**2 * channels]))


def pixels_of_squares(pasted: tf.Tensor, grid: tuple[Size, Size], rate: int) -> tf.Tensor:
    """Collects the pixels of every cell from the squares of queries around it, and divides by 4.

    Args:
        pasted: float32 [B, > h, > w, rate^2, C], what squares of weights times `square_corners` give.
        grid: (h, w).
        rate: Pixels along a side of a cell.

    Returns:
        float32 [B, h rate, w rate, C].
    """
    (height, width), channels = grid, pasted.shape[-1]
    second = _second_of_pair(rate)
    pixels = [
        tf.slice(pasted, [0, 1 - second[row], 1 - second[column], rate * row + column, 0], [-1, height, width, 1, -1])
        for row in range(rate)
        for column in range(rate)
    ]
    pixels = tf.reshape(tf.concat(pixels, axis=3), tf.stack([-1, height, width, rate**2 * channels]))
    return (tf.nn.depth_to_space(pixels, rate) if rate > 1 else pixels) / 4.0


def _second_of_pair(rate: int) -> list[bool]:
    """Whether a cell is the second of the pair of cells whose weights its pixels along one axis need.

    Pixel e of a cell lies at tap e + rate // 2 of the cell's own patch. If that tap is in the patch's first half, the
    pixel's other patch is that of the previous cell, else that of the next.
    """
    return [pixel + rate // 2 < rate for pixel in range(rate)]


def _with_next(x: tf.Tensor, step: Size, step_b: Size) -> tf.Tensor:
    """y[b, i, k] = x[b, i, k] + x[b, i + step, k + step_b], as far as there are both."""
    size = [-1, tf.shape(x)[1] - step, tf.shape(x)[2] - step_b]
    return tf.slice(x, [0, 0, 0], size) + tf.slice(x, [0, step, step_b], size)


def diagonal_shift(x: tf.Tensor, sign: int, step: Size, step_b: Size, axes: tuple[int, int] = (1, 2)) -> tf.Tensor:
    """y[..., i, ..., k, ...] = x[..., i + sign * step, ..., k + sign * step_b, ...], 0 where that is outside.

    Args:
        x: A tensor of any rank.
        sign: 1 or -1.
        step: Shift along the first axis, not negative, Python int or int tensor.
        step_b: Shift along the second axis, likewise.
        axes: The two axes.
    """
    begin, length, padding = [0] * x.shape.rank, [-1] * x.shape.rank, [[0, 0]] * x.shape.rank
    for axis, amount in zip(axes, (step, step_b)):
        size = _axis_size(x, axis)
        amount = min(amount, size) if isinstance(size, int) and isinstance(amount, int) else tf.minimum(amount, size)
        begin[axis] = amount if sign > 0 else 0
        length[axis] = size - amount
        padding[axis] = [0, amount] if sign > 0 else [amount, 0]
    # tf.slice, not x[...]: its gradient is a padding, that of a strided slice is several times slower on CPUs.
    return tf.pad(tf.slice(x, begin, length), padding)


def _both_ways(x: tf.Tensor, reach: int, step: Size, step_b: Size, axes: tuple[int, int] = (1, 2)) -> tf.Tensor:
    """x plus its diagonal neighbours up to `reach` steps away on either side."""
    shifts = [
        diagonal_shift(x, sign, distance * step, distance * step_b, axes)
        for distance in range(1, reach + 1)
        for sign in (-1, 1)
    ]
    return tf.add_n([x, *shifts])


def _previous_in_column_order(x: tf.Tensor, axis: int, width: Size) -> tf.Tensor:
    """y[p] = x[position before p in column-major order] on a row-major flattened axis; 0 before the first."""
    size = _axis_size(x, axis)
    last_row = _cut(x, axis, size - width, size - 1)
    return tf.concat([tf.zeros_like(_cut(x, axis, 0, 1)), last_row, _cut(x, axis, 0, size - width)], axis)


def _next_in_column_order(x: tf.Tensor, axis: int, width: Size) -> tf.Tensor:
    """y[p] = x[position after p in column-major order] on a row-major flattened axis; 0 after the last."""
    size = _axis_size(x, axis)
    first_row = _cut(x, axis, 1, width)
    return tf.concat([_cut(x, axis, width, size), first_row, tf.zeros_like(_cut(x, axis, 0, 1))], axis)


def _cut(x: tf.Tensor, axis: int, begin: Size, end: Size) -> tf.Tensor:
    """x[..., begin:end, ...] along one axis."""
    rank = x.shape.rank
    return tf.slice(
        x, [begin if i == axis else 0 for i in range(rank)], [end - begin if i == axis else -1 for i in range(rank)]
    )


def _axis_size(x: tf.Tensor, axis: int) -> Size:
    return x.shape[axis] if x.shape[axis] is not None else tf.shape(x)[axis]
