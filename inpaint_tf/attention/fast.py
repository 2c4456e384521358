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
from inpaint_tf.layers.resize import resize_nearest_align_corners, spatial_size


def fast_attention(foreground, background, mask, *, rate, fuse, fuse_kernel, softmax_scale, kernel_size):
    """Contextual attention.

    Args:
        foreground: float32 [B, H, W, C], the features to rebuild. H and W are multiples of `rate`.
        background: float32 [B, H', W', C], the features to copy from. H' and W' are multiples of `rate`.
        mask: float32 [B or 1, H', W', 1], 1 where the background is missing.
        rate: Matching happens at 1/rate of the size.
        fuse: Whether scores are propagated between neighbours.
        fuse_kernel: Odd length of the propagation's diagonal.
        softmax_scale: Factor in front of the softmax.
        kernel_size: Odd side of the matching patches.

    Returns:
        float32 [B, H, W, C], the background pasted by attention; and int32 [B, H / rate, W / rate, 2], (row, column)
        of every position's strongest patch, absolute, on the background's H' / rate x W' / rate grid.
    """
    grids = [[size // rate for size in spatial_size(x)] for x in (foreground, background)]
    f, b = (resize_nearest_align_corners(x, *grid) for x, grid in zip((foreground, background), grids))
    return attention_on_grids(
        f, b, background, mask, rate=rate, fuse=fuse, fuse_kernel=fuse_kernel, softmax_scale=softmax_scale,
        kernel_size=kernel_size,
    )  # fmt: skip


def attention_on_grids(f, b, background, mask, *, rate, fuse, fuse_kernel, softmax_scale, kernel_size):
    """`fast_attention` of features that are at the size of matching already.

    Args:
        f: float32 [B, h, w, C], the foreground at 1/rate of its size.
        b: float32 [B, h', w', C], the background at 1/rate of its size.
        background: float32 [B, h' rate, w' rate, C], the background.

    The other arguments and what is returned are those of `fast_attention`.
    """
    grid, grid_b = spatial_size(f), spatial_size(b)
    scores = matching_scores(f, b, kernel_size)
    if fuse:
        scores = propagate_scores(scores, grid[1], grid_b[1], fuse_kernel)
    valid = valid_patches(mask, grid_b, kernel_size)
    weights = tf.nn.softmax(scores * (valid * softmax_scale), axis=-1) * valid
    best = tf.argmax(weights, axis=-1, output_type=tf.int32)
    best = tf.reshape(best, tf.stack([-1, grid[0], grid[1]]))
    offsets = tf.stack([best // grid_b[1], best % grid_b[1]], axis=-1)
    return paste(weights, background, grid, grid_b, rate), offsets


def matching_scores(f, b, kernel_size):
    """Correlation of foreground patches with normalised background patches.

    Args:
        f: float32 [B, h, w, C].
        b: float32 [B, h', w', C].
        kernel_size: Odd side of the patches.

    Returns:
        float32 [B, h w, h' w'] scores.
    """
    grid, grid_b, channels = spatial_size(f), spatial_size(b), f.shape[-1]
    f = tf.reshape(f, tf.stack([-1, grid[0] * grid[1], channels]))
    b_flat = tf.reshape(b, tf.stack([-1, grid_b[0] * grid_b[1], channels]))

    reach = kernel_size // 2
    gram = tf.matmul(f, b_flat, transpose_b=True)
    # Rows: on flattened indices a step of one row is a shift by the width, and running over the edge is the padding.
    rows = _both_ways(gram, reach, grid[1], grid_b[1])
    # Columns: here the ends of rows must not meet, so the index is split first.
    rows = tf.reshape(rows, tf.stack([-1, grid[0], grid[1], grid_b[0], grid_b[1]]))
    scores = _both_ways(rows, reach, 1, 1, axes=(2, 4))
    scores = tf.reshape(scores, tf.stack([-1, grid[0] * grid[1], grid_b[0] * grid_b[1]]))

    energy = tf.reduce_sum(tf.square(b), axis=-1, keepdims=True)
    window = tf.ones([kernel_size, kernel_size, 1, 1])
    norms = tf.sqrt(tf.maximum(tf.nn.conv2d(energy, window, strides=1, padding="SAME"), SMALLEST_NORM**2))
    return scores / tf.reshape(norms, tf.stack([-1, 1, grid_b[0] * grid_b[1]]))


def propagate_scores(scores, width, width_b, fuse_kernel):
    """Diagonal sums of the score matrix on row-major and then on column-major flattened indices.

    Args:
        scores: float32 [B, h w, h' w'].
        width: w of the foreground grid.
        width_b: w' of the background grid.
        fuse_kernel: Odd length of the diagonal.

    Returns:
        float32 [B, h w, h' w'].
    """
    reach = fuse_kernel // 2
    scores = _both_ways(scores, reach, 1, 1)
    total = [scores]
    for step in (_previous_in_column_order, _next_in_column_order):
        shifted = scores
        for _ in range(reach):
            shifted = step(step(shifted, 1, width), 2, width_b)
            total.append(shifted)
    return tf.add_n(total)


def valid_patches(mask, grid_b, kernel_size):
    """float32 [B or 1, 1, h' w']: 1 where the matching patch (zero padded) holds no missing pixel."""
    mask = resize_nearest_align_corners(mask, *grid_b)
    touched = tf.nn.max_pool2d(tf.abs(mask), kernel_size, strides=1, padding="SAME")
    return tf.reshape(tf.cast(tf.equal(touched, 0.0), tf.float32), tf.stack([-1, 1, grid_b[0] * grid_b[1]]))


def paste(weights, background, grid, grid_b, rate):
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
    channels = background.shape[-1]
    # A blank column in front of every row, and blank rows: whatever a pair meets over an edge is 0.
    weights = tf.reshape(weights, tf.stack([-1, height, width, height_b, width_b]))
    weights = tf.pad(weights, [[0, 0], [1, 2], [1, 0], [1, 2], [1, 0]])
    flat = tf.stack([-1, (height + 3) * (width + 1), (height_b + 3) * (width_b + 1)])
    squares = _with_next(_with_next(tf.reshape(weights, flat), 1, 1), width + 1, width_b + 1)
    squares = tf.slice(squares, [0, 0, 0], [-1, (height + 1) * (width + 1), (height_b + 1) * (width_b + 1)])

    # Row e of a cell lies at tap e + rate // 2 of its own patch. Its other patch is the previous one if that tap is in
    # the patch's first half, so that the cell is the second of the pair; else it is the first.
    second = [e + rate // 2 < rate for e in range(rate)]
    corners = [(row, column) for row in range(rate) for column in range(rate)]
    cells = tf.reshape(background, tf.stack([-1, height_b, rate, width_b, rate, channels]))
    values = [
        tf.pad(cells[:, :, row, :, column], [[0, 0], *([0, 1] if second[e] else [1, 0] for e in (row, column)), [0, 0]])
        for row, column in corners
    ]
    values = tf.concat(values, axis=-1)
    values = tf.reshape(values, tf.stack([-1, (height_b + 1) * (width_b + 1), rate**2 * channels]))
    pasted = tf.reshape(tf.matmul(squares, values), tf.stack([-1, height + 1, width + 1, rate**2, channels]))
    pasted = tf.concat(
        [
            tf.slice(pasted, [0, 1 - second[row], 1 - second[column], index, 0], [-1, height, width, 1, -1])
            for index, (row, column) in enumerate(corners)
        ],
        axis=3,
    )
    pasted = tf.reshape(pasted, tf.stack([-1, height, width, rate**2 * channels]))
    if rate > 1:
        pasted = tf.nn.depth_to_space(pasted, rate)
    return pasted / 4.0


def _with_next(x, step, step_b):
    """y[b, i, k] = x[b, i, k] + x[b, i + step, k + step_b], as far as there are both."""
    size = [-1, tf.shape(x)[1] - step, tf.shape(x)[2] - step_b]
    return tf.slice(x, [0, 0, 0], size) + tf.slice(x, [0, step, step_b], size)


def diagonal_shift(x, sign, step, step_b, axes=(1, 2)):
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


def _both_ways(x, reach, step, step_b, axes=(1, 2)):
    """x plus its diagonal neighbours up to `reach` steps away on either side."""
    shifts = [
        diagonal_shift(x, sign, distance * step, distance * step_b, axes)
        for distance in range(1, reach + 1)
        for sign in (-1, 1)
    ]
    return tf.add_n([x, *shifts])


def _previous_in_column_order(x, axis, width):
    """y[p] = x[position before p in column-major order] on a row-major flattened axis; 0 before the first."""
    size = _axis_size(x, axis)
    last_row = _cut(x, axis, size - width, size - 1)
    return tf.concat([tf.zeros_like(_cut(x, axis, 0, 1)), last_row, _cut(x, axis, 0, size - width)], axis)


def _next_in_column_order(x, axis, width):
    """y[p] = x[position after p in column-major order] on a row-major flattened axis; 0 after the last."""
    size = _axis_size(x, axis)
    first_row = _cut(x, axis, 1, width)
    return tf.concat([_cut(x, axis, width, size), first_row, tf.zeros_like(_cut(x, axis, 0, 1))], axis)


def _cut(x, axis, begin, end):
    rank = x.shape.rank
    return tf.slice(
        x, [begin if i == axis else 0 for i in range(rank)], [end - begin if i == axis else -1 for i in range(rank)]
    )


def _axis_size(x, axis):
    return x.shape[axis] if x.shape[axis] is not None else tf.shape(x)[axis]
