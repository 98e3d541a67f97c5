"""NPY maps that lie, and odd ones that are as good as plain ones."""

from __future__ import annotations

import struct

import numpy as np

from tests.hostile import craft
from tests.hostile.corpus import Corpus

corpus = Corpus()
refused, odd = corpus.refused_map, corpus.odd
TYPES = "expected uint8, uint16, float16, float32, float64"
BLACK = np.zeros((12, 20), np.uint8)


@refused(".npy", f"holds object values; {TYPES}")
def npy_with_pickled_objects() -> bytes:
    return craft.npy(np.full((12, 20), None, object), allow_pickle=True)


@refused(".npy", f"holds complex64 values; {TYPES}")
def npy_of_complex_numbers() -> bytes:
    return craft.npy(BLACK.astype(np.complex64))


@refused(".npy", f"holds int64 values; {TYPES}")
def npy_of_int64() -> bytes:
    return craft.npy(BLACK.astype(np.int64))


@refused(".npy", f"holds bool values; {TYPES}")
def npy_of_booleans() -> bytes:
    return craft.npy(BLACK.astype(bool))


@refused(".npy", f"holds float128 values; {TYPES}")
def npy_of_extended_precision() -> bytes:
    return craft.npy_file(craft.npy_header("'<f16'"), bytes(3840))


@refused(".npy", "holds 1 values that are NaN or infinite; expected finite numbers")
def one_pixel_that_is_no_number() -> bytes:
    array = BLACK.astype(np.float16)
    array[11, 19] = np.nan
    return craft.npy(array)


@refused(".npy", f"holds void64 values; {TYPES}")
def npy_of_raw_bytes() -> bytes:
    return craft.npy_file(craft.npy_header("'V8'"), bytes(1920))


@refused(".npy", f"holds void64 values; {TYPES}")
def npy_of_records() -> bytes:
    return craft.npy(np.zeros((12, 20), [("a", "<f4"), ("b", "<f4")]))


@refused(".npy", f"holds void160 values; {TYPES}")
def npy_of_rows() -> bytes:
    return craft.npy_file(craft.npy_header("('|u1', (20,))", "(12, 1)"), bytes(240))


@refused(".npy", "has shape (); expected two dimensions (height, width)")
def npy_of_no_dimension() -> bytes:
    return craft.npy(np.array(1.0))


@refused(".npy", "has shape (1, 12, 20); expected two dimensions (height, width)")
def npy_of_three_dimensions() -> bytes:
    return craft.npy(BLACK[np.newaxis])


@refused(".npy", "is 0x12 pixels; expected at least one pixel")
def npy_without_width() -> bytes:
    return craft.npy(BLACK[:, :0])


@refused(".npy", "is no readable NPY file")
def npy_with_lengths_below_zero() -> bytes:
    return craft.npy_file(craft.npy_header(shape="(-12, -20)"), bytes(240))


@refused(".npy", "is no readable NPY file")
def npy_with_a_length_too_long_to_print() -> bytes:
    return craft.npy_file(craft.npy_header(shape=f"(0x{'f' * 5000}, 1)"), bytes(240))


@refused(".npy", "holds 240 bytes of data; expected 1,000,000,000,000 for its shape")
def npy_announcing_a_terabyte() -> bytes:
    return craft.npy_file(craft.npy_header(shape="(1000000, 1000000)"), bytes(240))


@refused(".npy", "is no readable NPY file")
def npy_with_a_header_of_gigabytes() -> bytes:
    return b"\x93NUMPY\2\0" + struct.pack("<I", 2**32 - 1) + bytes(500)


@refused(".npy", "is no readable NPY file")
def npy_with_a_bracket_that_never_closes() -> bytes:
    return craft.npy_file("{'descr': (((", bytes(240))


@refused(".npy", "is no readable NPY file")
def npy_with_brackets_within_brackets() -> bytes:
    return craft.npy_file("(" * 9000, bytes(240))


@refused(".npy", "is no readable NPY file")
def npy_with_keys_of_two_kinds() -> bytes:
    return craft.npy_file("{1: 2, 'shape': 3}", bytes(240))


@refused(".npy", "is no readable NPY file")
def npy_with_a_list_for_a_key() -> bytes:
    return craft.npy_file("{[]: 1}", bytes(240))


@refused(".npy", "is no readable NPY file")
def npy_of_a_version_to_come() -> bytes:
    return craft.npy_file(craft.npy_header(), bytes(240), b"\x09\x09")


@refused(".npy", "holds 1 values that are NaN or infinite; expected finite numbers")
def one_pixel_of_infinity() -> bytes:
    array = BLACK.astype(np.float32)
    array[3, 4] = np.inf
    return craft.npy(array)


@refused(".npy", "holds values beyond the range of float32")
def one_pixel_beyond_single_precision() -> bytes:
    array = BLACK.astype(np.float64)
    array[3, 4] = -1e39
    return craft.npy(array)


@odd(".npy", "float32")
def npy_in_fortran_order(array: np.ndarray) -> bytes:
    return craft.npy(np.asfortranarray(array))


@odd(".npy", "float64")
def npy_big_endian(array: np.ndarray) -> bytes:
    return craft.npy(array.astype(">f8"))


@odd(".npy")
def npy_of_version_3(array: np.ndarray) -> bytes:
    return craft.npy(array, version=(3, 0))


@odd(".npy", "float32")
def zeros_with_a_sign(array: np.ndarray) -> bytes:
    return craft.npy(np.where(array == 0, np.float32(-0.0), array))


@odd(".npy", "float16")
def zeros_with_a_sign_in_half_precision(array: np.ndarray) -> bytes:
    return craft.npy(np.where(array == 0, np.float16(-0.0), array))


@odd(".npy", "float32", 2.0**-149)
def denormals(array: np.ndarray) -> bytes:
    """Numbers so small that careless arithmetic takes them for zero, in the same order."""
    small = array * np.float32(2.0**-149)
    assert np.array_equal(np.unique(small).size, np.unique(array).size)
    return craft.npy(small)


@odd(".npy", "float64", 2.0**-1074)
def denormals_in_double_precision(array: np.ndarray) -> bytes:
    return craft.npy(array * 2.0**-1074)


@odd(".npy", "float16", 2.0**-24)
def denormals_in_half_precision(array: np.ndarray) -> bytes:
    return craft.npy((array * 2.0**-24).astype(np.float16))
