"""Which standard header declares a name: for the rule that a header of ours includes what it uses itself.

Only names of std:: that our headers use, and only headers that the precompiled one (cmake/std_pch.h) could hide.
"""

import re

HEADER_OF = {
    "algorithm": "all_of any_of clamp copy copy_n equal fill find find_if lower_bound max max_element min min_element minmax none_of"
                 " ranges::all_of ranges::any_of ranges::copy ranges::equal ranges::fill ranges::find ranges::find_if"
                 " ranges::lower_bound ranges::max ranges::min ranges::none_of ranges::sort ranges::upper_bound sort stable_sort"
                 " unique upper_bound",
    "array": "array to_array",
    "bit": "bit_cast bit_ceil bit_width byteswap countl_zero countr_zero endian has_single_bit popcount",
    "chrono": "chrono",
    "compare": "partial_ordering strong_ordering weak_ordering",
    "concepts": "constructible_from convertible_to derived_from integral invocable same_as signed_integral unsigned_integral",
    "cstddef": "byte max_align_t nullptr_t ptrdiff_t size_t to_integer",
    "cstdint": "int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t uintptr_t",
    "cstring": "memchr memcmp memcpy memmove memset strlen",
    "deque": "deque",
    "exception": "current_exception exception exception_ptr rethrow_exception terminate",
    "expected": "expected unexpect unexpected",
    "functional": "equal_to function greater hash invoke less move_only_function reference_wrapper",
    "limits": "numeric_limits",
    "list": "list",
    "map": "map multimap",
    "memory": "addressof allocator construct_at destroy_at enable_shared_from_this make_shared make_unique pmr shared_ptr unique_ptr"
              " weak_ptr",
    "optional": "make_optional nullopt optional",
    "queue": "priority_queue queue",
    "set": "multiset set",
    "span": "as_bytes as_writable_bytes dynamic_extent span",
    "stdexcept": "invalid_argument logic_error out_of_range runtime_error",
    "string": "string to_string",
    "string_view": "string_view",
    "system_error": "errc error_code generic_category system_category system_error",
    "tuple": "apply forward_as_tuple make_tuple tie tuple",
    "type_traits": "conditional_t decay_t enable_if_t false_type is_const_v is_convertible_v is_enum_v is_integral_v"
                   " is_nothrow_move_constructible_v is_same_v is_trivially_copyable_v is_void_v make_unsigned_t remove_cvref_t"
                   " true_type type_identity_t underlying_type_t",
    "unordered_map": "unordered_map unordered_multimap",
    "unordered_set": "unordered_set",
    "utility": "as_const declval exchange forward in_place in_place_type integer_sequence make_index_sequence index_sequence"
               " make_pair move pair swap to_underlying unreachable",
    "variant": "get_if holds_alternative monostate variant visit",
    "vector": "vector",
}

_HEADER_OF_NAME = {name: header for header, names in HEADER_OF.items() for name in names.split()}
_USE = re.compile(r"\bstd::((?:ranges::)?\w+)")


def missing_headers(code, included):
    """(position, name, header) for the first use of each std name whose header is not among `included`."""
    seen = set()
    for match in _USE.finditer(code):
        header = _HEADER_OF_NAME.get(match[1])
        if header and header not in included and header not in seen:
            seen.add(header)
            yield match.start(), match[1], header
