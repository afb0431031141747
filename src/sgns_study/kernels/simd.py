"""The eight float32 of a SIMD register as one value inside compiled loops.

LLVM turns the operations into the processor's vector instructions (AVX2, or pairs of SSE or NEON
instructions where registers are narrower). A loop written with them keeps the sums of several rows
in registers at once, which the automatic vectoriser does not do for rows whose addresses are known
only at run time.
"""

# mypy: disable-error-code="no-untyped-def,import-untyped"
# The bodies emit instructions and compute no values: numba infers the types of these.

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

LINE = 16  # float32 in a cache line of 64 bytes: rows start and end on one
WIDTH = 8  # float32 in a register
REGISTER = ir.VectorType(ir.FloatType(), WIDTH)
MASK = ir.VectorType(ir.IntType(32), WIDTH)


def aligned(rows: int, width: int) -> NDArray[np.float32]:
    """Zeros, float32 (rows, width), that start on a cache line."""
    memory = np.zeros(rows * width + LINE, np.float32)
    first = -(memory.ctypes.data // memory.itemsize) % LINE
    return memory[first : first + rows * width].reshape(rows, width)


class Float32x8(types.Type):
    """The numba type of eight float32."""

    def __init__(self) -> None:
        """Name the only type of this kind."""
        super().__init__(name="float32x8")


float32x8 = Float32x8()


@register_model(Float32x8)
class Float32x8Model(models.PrimitiveModel):
    """The value is one LLVM vector, so that it stays in a register."""

    def __init__(self, dmm, fe_type):
        """Called by numba."""
        super().__init__(dmm, fe_type, REGISTER)


def address(context, builder, array_type, array, offset):
    """Pointer to element `offset` of a C-contiguous float32 array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [offset], inbounds=True)


@intrinsic
def load(typingctx, array, offset):
    """The eight numbers array.flat[offset:offset + 8]."""

    def codegen(context, builder, signature, args):
        pointer = address(context, builder, signature.args[0], args[0], args[1])
        pointer = builder.bitcast(pointer, REGISTER.as_pointer())
        return builder.load(pointer, align=4, typ=REGISTER)

    return float32x8(array, types.intp), codegen


@intrinsic
def store(typingctx, array, offset, value):
    """array.flat[offset:offset + 8] = value."""

    def codegen(context, builder, signature, args):
        pointer = address(context, builder, signature.args[0], args[0], args[1])
        pointer = builder.bitcast(pointer, REGISTER.as_pointer())
        builder.store(args[2], pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, float32x8), codegen


@intrinsic
def prefetch(typingctx, array, offset):
    """Ask for the cache line of array.flat[offset], which will be written soon."""

    def codegen(context, builder, signature, args):
        pointer = address(context, builder, signature.args[0], args[0], args[1])
        i32 = ir.IntType(32)
        pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [pointer.type, i32, i32, i32]),
            "llvm.prefetch.p0",
        )
        builder.call(function, [pointer, i32(1), i32(3), i32(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), codegen


@intrinsic
def zeros(typingctx):
    """Eight zeros."""
    return float32x8(), lambda context, builder, signature, args: ir.Constant(REGISTER, None)


@intrinsic
def spread(typingctx, array, offset):
    """Eight copies of array.flat[offset]."""

    def codegen(context, builder, signature, args):
        pointer = address(context, builder, signature.args[0], args[0], args[1])
        scalar = builder.load(pointer, typ=ir.FloatType())
        one = builder.insert_element(ir.Constant(REGISTER, ir.Undefined), scalar, ir.IntType(32)(0))
        return builder.shuffle_vector(one, one, ir.Constant(MASK, [0] * WIDTH))

    return float32x8(array, types.intp), codegen


@intrinsic
def fma(typingctx, a, b, c):
    """Elementwise a * b + c, rounded once where the processor can."""

    def codegen(context, builder, signature, args):
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(REGISTER, [REGISTER] * 3), "llvm.fmuladd.v8f32"
        )
        return builder.call(function, args)

    return float32x8(float32x8, float32x8, float32x8), codegen


HALVES = {  # of two registers side by side: the elements that those `half` places on are added to
    4: [0, 1, 2, 3, 8, 9, 10, 11],
    2: [0, 1, 8, 9, 4, 5, 12, 13],
    1: [0, 2, 8, 10, 4, 6, 12, 14],
}


@intrinsic
def totals(typingctx, a0, a1, a2, a3, a4, a5):
    """Element i is the sum of the eight numbers of a_i; elements 6 and 7 are zero.

    Two registers are folded into one at a time, which takes half the instructions of six sums.
    """

    def codegen(context, builder, signature, args):
        parts = [*args, ir.Constant(REGISTER, None), ir.Constant(REGISTER, None)]
        parts = [parts[i] for i in (0, 4, 1, 5, 2, 6, 3, 7)]  # so that the sums end up in order
        for half, first in HALVES.items():
            masks = [ir.Constant(MASK, first), ir.Constant(MASK, [i + half for i in first])]
            parts = [
                builder.fadd(*(builder.shuffle_vector(a, b, mask) for mask in masks))
                for a, b in zip(parts[::2], parts[1::2])
            ]
        return parts[0]

    return float32x8(*[float32x8] * 6), codegen


@intrinsic
def add(typingctx, a, b):
    """Elementwise a + b."""

    def codegen(context, builder, signature, args):
        return builder.fadd(*args)

    return float32x8(float32x8, float32x8), codegen
