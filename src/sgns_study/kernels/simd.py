"""The eight float32 of a SIMD register, and six registers at a time, inside compiled loops.

LLVM turns the operations into the processor's vector instructions (AVX2, or pairs of SSE or NEON
instructions where registers are narrower). A loop written with them keeps the sums of several rows
in registers at once, which the automatic vectoriser does not do for rows whose addresses are known
only at run time.
"""

# mypy: disable-error-code="no-untyped-def,import-untyped"
# The functions emit instructions and compute no values: numba infers the types of these.

from inspect import signature

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

LINE = 16  # float32 in a cache line of 64 bytes: rows start and end on one
WIDTH = 8  # float32 in a register
SIX = 6  # registers in a group
INT = ir.IntType(32)
REGISTER, MASK = ir.VectorType(ir.FloatType(), WIDTH), ir.VectorType(INT, WIDTH)
ZEROS = ir.Constant(REGISTER, None)


def aligned(rows: int, width: int) -> NDArray[np.float32]:
    """Zeros, float32 (rows, width), that start on a cache line."""
    memory = np.zeros(rows * width + LINE, np.float32)
    first = -(memory.ctypes.data // memory.itemsize) % LINE
    return memory[first : first + rows * width].reshape(rows, width)


class Float32x8(types.Type):
    """The numba type of eight float32."""


@register_model(Float32x8)
class Float32x8Model(models.PrimitiveModel):
    """The value is one LLVM vector, so that it stays in a register."""

    def __init__(self, dmm, fe_type):
        """Called by numba."""
        super().__init__(dmm, fe_type, REGISTER)


register = Float32x8("float32x8")
registers = types.UniTuple(register, SIX)
index, nothing, array = types.intp, types.void, None  # an array has the type of its argument


def instruction(result, *kinds):
    """Let compiled loops call a function that emits instructions for operands of these types.

    It gets LLVM's builder, of an array the pointer to its data, which must be contiguous, and six
    registers as a list.
    """

    def decorated(emit):
        def typed(typingctx, *arguments):
            expected = [given if kind is array else kind for kind, given in zip(kinds, arguments)]
            return result(*expected), emitted

        def emitted(context, builder, call, values):
            operands = [_operand(context, builder, *pair) for pair in zip(call.args, values)]
            found = emit(builder, *operands)
            if result == registers:
                return context.make_tuple(builder, registers, found)
            return context.get_dummy_value() if result == nothing else found

        typed.__name__, typed.__doc__ = emit.__name__, emit.__doc__
        typed.__signature__ = signature(emit)
        return intrinsic(typed)

    return decorated


def _operand(context, builder, kind, value):
    """What `instruction` hands on of a value."""
    if kind == registers:
        return cgutils.unpack_tuple(builder, value, SIX)
    is_array = isinstance(kind, types.Array)
    return context.make_array(kind)(context, builder, value).data if is_array else value


def function(builder, name, result, *arguments):
    """The function `llvm.name` of LLVM's."""
    kind = ir.FunctionType(result, arguments)
    return cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}")


def pointer_to(builder, data, offset, kind=REGISTER):
    """The address of the float32 number `offset`, as that of a value of this kind."""
    return builder.bitcast(builder.gep(data, [offset], inbounds=True), kind.as_pointer())


@instruction(register, array, index)
def load(builder, data, offset):
    """The eight numbers data.flat[offset:offset + 8]."""
    return builder.load(pointer_to(builder, data, offset), align=4, typ=REGISTER)


@instruction(nothing, array, index, register)
def store(builder, data, offset, value):
    """data.flat[offset:offset + 8] = value."""
    builder.store(value, pointer_to(builder, data, offset), align=4)


@instruction(nothing, array, index, index, registers)
def store_six(builder, data, offset, stride, values):
    """data.flat[offset + j stride:offset + j stride + 8] = value j."""
    for j in range(SIX):
        start = builder.add(offset, builder.mul(stride, stride.type(j)))
        builder.store(values[j], pointer_to(builder, data, start), align=4)


@instruction(nothing, array, index)
def prefetch(builder, data, offset):
    """Ask for the cache line of data.flat[offset], which will be written soon."""
    address = pointer_to(builder, data, offset, ir.IntType(8))
    prefetching = function(builder, "prefetch.p0", ir.VoidType(), address.type, INT, INT, INT)
    builder.call(prefetching, [address, INT(1), INT(3), INT(1)])


@instruction(register, register, register)
def add(builder, a, b):
    """Elementwise a + b."""
    return builder.fadd(a, b)


@instruction(registers)
def six_zeros(builder):
    """Six registers of zeros."""
    return [ZEROS] * SIX


@instruction(registers, array, array, index, index)
def load_six(builder, data, rows, first, offset):
    """Register j is data.flat[row + offset:row + offset + 8], row = rows[first + j]."""
    places = [builder.gep(rows, [builder.add(first, first.type(j))]) for j in range(SIX)]
    starts = [builder.add(builder.load(place, typ=first.type), offset) for place in places]
    addresses = [pointer_to(builder, data, start) for start in starts]
    return [builder.load(address, align=4, typ=REGISTER) for address in addresses]


@instruction(registers, array, index)
def spread_six(builder, data, offset):
    """Register j has eight copies of data.flat[offset + j]."""
    found = []
    for j in range(SIX):
        address = builder.gep(data, [builder.add(offset, offset.type(j))], inbounds=True)
        scalar = builder.load(address, typ=ir.FloatType())
        one = builder.insert_element(ir.Constant(REGISTER, ir.Undefined), scalar, INT(0))
        found.append(builder.shuffle_vector(one, one, ir.Constant(MASK, [0] * WIDTH)))
    return found


def fma(builder, a, b, c):
    """Elementwise a * b + c, rounded once where the processor can."""
    return builder.call(function(builder, "fmuladd.v8f32", REGISTER, *[REGISTER] * 3), [a, b, c])


@instruction(registers, registers, register, registers)
def fma_six(builder, a, b, c):
    """Register j is a_j b + c_j."""
    return [fma(builder, a[j], b, c[j]) for j in range(SIX)]


@instruction(register, registers, registers, register)
def fma_sum(builder, a, b, c):
    """The sum c + a_0 b_0 + … + a_5 b_5, from left to right."""
    for j in range(SIX):
        c = fma(builder, a[j], b[j], c)
    return c


HALVES = {  # of two registers side by side: the elements that those `half` places on are added to
    4: [0, 1, 2, 3, 8, 9, 10, 11],
    2: [0, 1, 8, 9, 4, 5, 12, 13],
    1: [0, 2, 8, 10, 4, 6, 12, 14],
}


@instruction(register, registers)
def totals(builder, a):
    """Element j is the sum of the eight numbers of a_j; elements 6 and 7 are zero.

    Two registers are folded into one at a time, which takes half the instructions of six sums.
    """
    parts = [[*a, ZEROS, ZEROS][j] for j in (0, 4, 1, 5, 2, 6, 3, 7)]  # the sums end up in order
    for half, first in HALVES.items():
        masks = [ir.Constant(MASK, first), ir.Constant(MASK, [i + half for i in first])]
        parts = [
            builder.fadd(*(builder.shuffle_vector(left, right, mask) for mask in masks))
            for left, right in zip(parts[::2], parts[1::2])
        ]
    return parts[0]
