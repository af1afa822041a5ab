// Jobs for the standard handlers, with their arguments in order and their units right.
//
// Each takes buffers or slices and gives a rota::job with a good number of tiles, to be submitted
// as it is or changed further. Counts come from the first range named; as with std::copy, ranges
// that are only written have to be as long, and a buffer that ends too early faults the job.
#ifndef ROTA_JOBS_HPP
#define ROTA_JOBS_HPP

#include <rota/buffer.hpp>

namespace rota {
inline namespace ROTA_HPP_DIALECT {
namespace jobs {

namespace detail {

template <class Range> using element = typename Range::element_type;
template <class Range> slice<element<Range>> whole(const Range &range) noexcept { return range; }

} // namespace detail

/// Hands a and b back as its results.
constexpr auto nop(std::uint32_t a = 0, std::uint32_t b = 0) noexcept {
    return job(ROTA_OP_NOP).arg(a).arg(b);
}

/// n iterations of x = x * 1664525 + 1013904223; results[0] is the last x.
constexpr auto spin(std::uint32_t n, std::uint32_t x = 0) noexcept {
    return job(ROTA_OP_SPIN).arg(n).arg(x);
}

/// Stores the value into each element of dst, which have 4 bytes.
template <class Range> auto fill(const Range &dst, detail::element<Range> value) noexcept {
    static_assert(sizeof(value) == 4, "ROTA_OP_FILL stores words of 32 bits");
    const auto to = detail::whole(dst);
    return job(ROTA_OP_FILL)
        .arg(to)
        .arg(to.first_word())
        .arg(to.words())
        .arg(rota::detail::bits_of<std::uint32_t>(value))
        .tiles_for(to.words());
}

/// Copies all of src to the begin of dst.
template <class Source, class Target> auto copy(const Source &src, const Target &dst) noexcept {
    static_assert(std::is_same_v<detail::element<Source>, detail::element<Target>>);
    const auto from = detail::whole(src);
    const auto to = detail::whole(dst);
    return job(ROTA_OP_COPY)
        .arg(from)
        .arg(from.first_word())
        .arg(to)
        .arg(to.first_word())
        .arg(from.words())
        .tiles_for(from.words());
}

/// y[i] = alpha * x[i] + y[i], for all of x.
template <class X, class Y> auto saxpy(float alpha, const X &x, const Y &y) noexcept {
    static_assert(std::is_same_v<detail::element<X>, float> &&
                  std::is_same_v<detail::element<Y>, float>);
    const auto from = detail::whole(x);
    const auto to = detail::whole(y);
    return job(ROTA_OP_SAXPY_F32)
        .arg(from)
        .arg(from.first_word())
        .arg(to)
        .arg(to.first_word())
        .arg(from.words())
        .arg(alpha)
        .tiles_for(from.words());
}

/// completion::u64() is the sum of src.
template <class Range> auto sum_u32(const Range &src) noexcept {
    static_assert(std::is_same_v<detail::element<Range>, std::uint32_t>);
    const auto from = detail::whole(src);
    return job(ROTA_OP_SUM_U32)
        .arg(from)
        .arg(from.first_word())
        .arg(from.words())
        .tiles_for(from.words());
}

/// sums[tile] is the sum of that tile's part of src; the job says how many tiles there are.
template <class Source, class Target> auto sum_f32(const Source &src, const Target &sums) noexcept {
    static_assert(std::is_same_v<detail::element<Source>, float> &&
                  std::is_same_v<detail::element<Target>, float>);
    const auto from = detail::whole(src);
    const auto to = detail::whole(sums);
    return job(ROTA_OP_SUM_F32)
        .arg(from)
        .arg(from.first_word())
        .arg(from.words())
        .arg(to)
        .arg(to.first_word())
        .tiles_for(from.words());
}

/// results[0] and results[1] are the least and the largest of src; 0xffffffff and 0 if it is empty.
template <class Range> auto min_max_u32(const Range &src) noexcept {
    static_assert(std::is_same_v<detail::element<Range>, std::uint32_t>);
    const auto from = detail::whole(src);
    return job(ROTA_OP_MIN_MAX_U32)
        .arg(from)
        .arg(from.first_word())
        .arg(from.words())
        .tiles_for(from.words());
}

/// Adds to counts[b] how often the byte b is in src; counts has 256 elements.
template <class Source, class Counts>
auto histogram_u8(const Source &src, const Counts &counts) noexcept {
    static_assert(sizeof(detail::element<Source>) == 1);
    static_assert(std::is_same_v<detail::element<Counts>, std::uint32_t>);
    const auto from = detail::whole(src);
    const auto to = detail::whole(counts);
    return job(ROTA_OP_HISTOGRAM_U8)
        .arg(from)
        .arg(from.first_byte())
        .arg(from.bytes())
        .arg(to)
        .arg(to.first_word())
        .tiles_for(from.bytes());
}

/// Adds the matches of pattern p that end in text to counts[p]; completion::u64() is their number.
/// docs/c-api.md describes the table.
template <class Text, class Counts>
auto scan_dfa(const Text &text, const buffer<std::uint32_t> &dfa, const Counts &counts) noexcept {
    static_assert(sizeof(detail::element<Text>) == 1);
    static_assert(std::is_same_v<detail::element<Counts>, std::uint32_t>);
    const auto from = detail::whole(text);
    const auto to = detail::whole(counts);
    return job(ROTA_OP_SCAN_DFA)
        .arg(from)
        .arg(from.first_byte())
        .arg(from.bytes())
        .arg(dfa)
        .arg(to)
        .arg(to.first_word())
        .tiles_for(from.bytes());
}

/// As above, and positions[0] is raised by the number of matches; from positions[1] on stand pairs
/// of the match's end and the pattern, as many as there is room for.
template <class Text, class Counts>
auto scan_dfa(const Text &text, const buffer<std::uint32_t> &dfa, const Counts &counts,
              const buffer<std::uint32_t> &positions) noexcept {
    const auto pairs = positions.size() > 0 ? (positions.size() - 1) / 2 : 0;
    return scan_dfa(text, dfa, counts).arg(positions).arg(rota::detail::saturated(pairs));
}

} // namespace jobs
} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
