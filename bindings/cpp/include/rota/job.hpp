// Building jobs and reading their completions. A job is 64 bytes, and its argument words are packed
// as rota.h says, at compile time where the values are known then:
//
//     rota::job(ROTA_OP_FILL).tiles(4).arg(buffer).arg(0).arg(1024).arg(1.5f).barrier()
//
// Each call gives a new job; the number of argument words is part of its type, so that one too many
// doesn't compile. What is submitted is the rota_job that every job converts to.
#ifndef ROTA_JOB_HPP
#define ROTA_JOB_HPP

#include <cstddef>
#include <cstdint>
#include <rota/types.hpp>
#include <type_traits>
#include <utility>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

namespace detail {

template <class To, class From> constexpr To bits_of(From value) noexcept {
    static_assert(sizeof(To) == sizeof(From));
    return __builtin_bit_cast(To, value);
}

// Whether T is passed to jobs as a buffer: it says so itself.
template <class T, class = void> struct is_buffer : std::false_type {};
template <class T>
struct is_buffer<T, std::void_t<typename T::passed_as_buffer>> : std::true_type {};

// The word for one argument.
template <class T> constexpr std::uint32_t word_of(const T &value) noexcept {
    if constexpr (is_buffer<T>::value) {
        return value.id();
    } else {
        static_assert(!std::is_pointer_v<std::decay_t<T>> && !std::is_null_pointer_v<T>,
                      "a job can't follow a pointer of the host: pass a buffer");
        static_assert(!std::is_same_v<T, double> && !std::is_same_v<T, long double>,
                      "an argument word has 32 bits: pass a float (2.0f), or use arg64");
        static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>,
                      "an argument is an integer, a float, an enum or a buffer");
        static_assert(sizeof(T) <= 4,
                      "an argument word has 32 bits: narrow the value, or use arg64");
        if constexpr (std::is_same_v<T, float>)
            return bits_of<std::uint32_t>(value);
        else
            return static_cast<std::uint32_t>(value);
    }
}

} // namespace detail

template <std::size_t Words = 0> class job {
  public:
    /// A job for the handler with this opcode, with one tile and arguments that are 0.
    explicit constexpr job(std::uint32_t opcode) noexcept
        : raw_{opcode, 0, 1, 0, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 0} {}

    /// The next word: an integer, a float as its bits, or a buffer.
    template <class T> [[nodiscard]] constexpr job<Words + 1> arg(const T &value) const noexcept {
        static_assert(Words + 1 <= 10, "a job has 10 argument words");
        return job<Words + 1>(raw_, detail::word_of(value), every_word());
    }
    /// The next two words, the low one first: an integer, or a double as its bits.
    template <class T> [[nodiscard]] constexpr job<Words + 2> arg64(T value) const noexcept {
        static_assert(Words + 2 <= 10, "a job has 10 argument words");
        static_assert(std::is_integral_v<T> || std::is_enum_v<T> || std::is_same_v<T, double>,
                      "arg64 takes an integer, an enum or a double");
        std::uint64_t bits = 0;
        if constexpr (std::is_same_v<T, double>)
            bits = detail::bits_of<std::uint64_t>(value);
        else
            bits = static_cast<std::uint64_t>(value);
        return arg(static_cast<std::uint32_t>(bits)).arg(static_cast<std::uint32_t>(bits >> 32));
    }

    [[nodiscard]] constexpr job tiles(std::uint32_t count) const noexcept {
        return job(raw_, raw_.flags, count, raw_.fuel, raw_.user_data, every_word());
    }
    /// A good number of tiles for so many elements, in the handler's units; see rota_tiles.
    [[nodiscard]] job tiles_for(std::uint64_t elements) const noexcept {
        return tiles(::rota_tiles(raw_.opcode, elements));
    }
    /// Loop iterations that it may take, per tile.
    [[nodiscard]] constexpr job fuel(std::uint32_t iterations) const noexcept {
        return job(raw_, raw_.flags, raw_.tiles, iterations, raw_.user_data, every_word());
    }
    /// Starts after all earlier jobs of the tenant have completed.
    [[nodiscard]] constexpr job barrier() const noexcept { return flag(ROTA_JOB_BARRIER); }
    /// As barrier, and only if the job just before ended OK; else it completes as SKIPPED.
    [[nodiscard]] constexpr job after_ok() const noexcept { return flag(ROTA_JOB_AFTER_OK); }
    /// Its class is no better than normal, whatever its tenant's. Of this and background the last
    /// one called counts.
    [[nodiscard]] constexpr job normal() const noexcept { return of_class(ROTA_JOB_NORMAL); }
    /// Its class is background, whatever its tenant's.
    [[nodiscard]] constexpr job background() const noexcept {
        return of_class(ROTA_JOB_BACKGROUND);
    }
    /// Fill in fuel, module_version, begin_epoch and end_epoch of the completion.
    [[nodiscard]] constexpr job timing() const noexcept { return flag(ROTA_JOB_TIMING); }
    /// Comes back in the completion. A rota::poller gives it back too.
    [[nodiscard]] constexpr job user_data(std::uint64_t value) const noexcept {
        return job(raw_, raw_.flags, raw_.tiles, raw_.fuel, value, every_word());
    }

    constexpr const rota_job &raw() const noexcept { return raw_; }
    constexpr operator const rota_job &() const noexcept { return raw_; }

  private:
    template <std::size_t> friend class job;
    using every_word = std::make_index_sequence<10>;

    // Word by word: clang 14 keeps copies of whole jobs in memory, and a chain of them costs as
    // much as a part of the submit.
    template <std::size_t... I>
    constexpr job(const rota_job &from, std::uint32_t last, std::index_sequence<I...>) noexcept
        : raw_{from.opcode,
               from.flags,
               from.tiles,
               from.fuel,
               {(I + 1 == Words ? last : from.args[I])...},
               from.user_data} {}
    template <std::size_t... I>
    constexpr job(const rota_job &from, std::uint32_t bits, std::uint32_t count,
                  std::uint32_t iterations, std::uint64_t data, std::index_sequence<I...>) noexcept
        : raw_{from.opcode, bits, count, iterations, {from.args[I]...}, data} {}

    constexpr job flag(std::uint32_t bit) const noexcept { return flags(raw_.flags | bit); }
    constexpr job of_class(std::uint32_t bit) const noexcept {
        constexpr std::uint32_t both = ROTA_JOB_NORMAL | ROTA_JOB_BACKGROUND;
        return flags((raw_.flags & ~both) | bit);
    }
    constexpr job flags(std::uint32_t bits) const noexcept {
        return job(raw_, bits, raw_.tiles, raw_.fuel, raw_.user_data, every_word());
    }

    rota_job raw_;
};

job(std::uint32_t)->job<0>;

/// The answer to a job: the fields of rota_completion, and what they mean.
struct completion : rota_completion {
    bool ok() const noexcept { return rota_completion::status == ROTA_COMPLETION_OK; }
    completion_status outcome() const noexcept {
        return static_cast<completion_status>(rota_completion::status);
    }
    /// Whether another order can lead to another digest: then other bits of it may differ though
    /// all is well.
    bool order_dependent() const noexcept { return (digest & ROTA_DIGEST_ORDER_DEPENDENT) != 0; }
    rota::fault why() const noexcept { return static_cast<rota::fault>(rota_completion::fault); }
    /// Why it isn't OK, in one line of English: the fault's text, else the status' name.
    const char *message() const noexcept {
        return outcome() == completion_status::faulted ? text(why()) : name(outcome());
    }
    /// The two result words as one number, low word first; and as its bits.
    std::uint64_t u64() const noexcept {
        return std::uint64_t{results[1]} << 32 | std::uint64_t{results[0]};
    }
    double f64() const noexcept { return detail::bits_of<double>(u64()); }
    /// A result word as a float's bits.
    float f32(std::size_t i = 0) const noexcept { return detail::bits_of<float>(results[i]); }
};

static_assert(sizeof(rota_job) == 64 && sizeof(job<10>) == sizeof(rota_job));
static_assert(sizeof(completion) == sizeof(rota_completion));

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
