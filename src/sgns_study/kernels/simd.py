"""Eight float32 numbers as one value inside compiled loops.

LLVM turns the operations into the processor's vector instructions (AVX2, or pairs of SSE or NEON
where registers are narrower). Written out, a loop keeps several rows' sums in registers at once,
which the automatic vectoriser does not do for rows whose addresses are known only when it runs.
"""

# mypy: disable-error-code="no-untyped-def,import-untyped"
# numba gives the bodies their types: they make instructions, not values

import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, overload, register_model

LANES = 8
VECTOR = ir.VectorType(ir.FloatType(), LANES)
MASK = ir.VectorType(ir.IntType(32), LANES)


class LanesType(types.Type):
    """The numba type of eight float32 lanes."""

    def __init__(self) -> None:
        """There is one such type."""
        super().__init__(name="Lanes")


lanes = LanesType()


@register_model(LanesType)
class LanesModel(models.PrimitiveModel):
    """Held as one LLVM vector, so that it stays in a register."""

    def __init__(self, dmm, fe_type):
        """As numba calls it."""
        super().__init__(dmm, fe_type, VECTOR)


def address(context, builder, array_type, array, offset):
    """Pointer to element `offset` of a C-contiguous float32 array."""
    data = context.make_array(array_type)(context, builder, array).data
    return builder.gep(data, [offset], inbounds=True)


@intrinsic
def load(typingctx, array, offset):
    """Lanes array.flat[offset:offset + 8]."""

    def codegen(context, builder, signature, args):
        pointer = address(context, builder, signature.args[0], args[0], args[1])
        pointer = builder.bitcast(pointer, VECTOR.as_pointer())
        return builder.load(pointer, align=4, typ=VECTOR)

    return lanes(array, types.intp), codegen


@intrinsic
def store(typingctx, array, offset, value):
    """array.flat[offset:offset + 8] = value."""

    def codegen(context, builder, signature, args):
        pointer = address(context, builder, signature.args[0], args[0], args[1])
        pointer = builder.bitcast(pointer, VECTOR.as_pointer())
        builder.store(args[2], pointer, align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), codegen


@intrinsic
def prefetch(typingctx, array, offset):
    """Ask for the cache line of array.flat[offset], to be written soon."""

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
    return lanes(), lambda context, builder, signature, args: ir.Constant(VECTOR, None)


@intrinsic
def spread(typingctx, array, offset):
    """All eight lanes equal to array.flat[offset]."""

    def codegen(context, builder, signature, args):
        pointer = address(context, builder, signature.args[0], args[0], args[1])
        scalar = builder.load(pointer, typ=ir.FloatType())
        one = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), scalar, ir.IntType(32)(0))
        return builder.shuffle_vector(one, one, ir.Constant(MASK, [0] * LANES))

    return lanes(array, types.intp), codegen


@intrinsic
def fma(typingctx, a, b, c):
    """Lanes a * b + c, in one rounding where the processor can."""

    def codegen(context, builder, signature, args):
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(VECTOR, [VECTOR] * 3), "llvm.fmuladd.v8f32"
        )
        return builder.call(function, args)

    return lanes(lanes, lanes, lanes), codegen


HALVES = {  # lanes of two vectors, laid side by side; those the second mask names are added to them
    4: [0, 1, 2, 3, 8, 9, 10, 11],
    2: [0, 1, 8, 9, 4, 5, 12, 13],
    1: [0, 2, 8, 10, 4, 6, 12, 14],
}


@intrinsic
def totals(typingctx, a0, a1, a2, a3, a4, a5):
    """Lane i is the sum of the lanes of a_i; lanes 6 and 7 are zero.

    Two vectors are folded into one at a time, which takes half the instructions of six sums.
    """

    def codegen(context, builder, signature, args):
        parts = [*args, ir.Constant(VECTOR, None), ir.Constant(VECTOR, None)]
        parts = [parts[i] for i in (0, 4, 1, 5, 2, 6, 3, 7)]  # so that the sums end up in order
        for half, first in HALVES.items():
            masks = [ir.Constant(MASK, first), ir.Constant(MASK, [i + half for i in first])]
            parts = [
                builder.fadd(*(builder.shuffle_vector(a, b, mask) for mask in masks))
                for a, b in zip(parts[::2], parts[1::2])
            ]
        return parts[0]

    return lanes(*[lanes] * 6), codegen


@intrinsic
def add(typingctx, a, b):
    """Lanes a + b."""
    return lanes(lanes, lanes), lambda context, builder, signature, args: builder.fadd(*args)


@overload(operator.add)
def overload_add(a, b):
    """Let `a + b` in a compiled loop mean `add`."""
    both = isinstance(a, LanesType) and isinstance(b, LanesType)
    return (lambda a, b: add(a, b)) if both else None
