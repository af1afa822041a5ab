// rota::outputs: what tenant::read_into has read, in memory that is kept from one use to the next.
#ifndef ROTA_OUTPUTS_HPP
#define ROTA_OUTPUTS_HPP

#include <cstddef>
#include <cstdint>
#include <rota/result.hpp>
#include <rota/span.hpp>

namespace rota {
inline namespace ROTA_HPP_DIALECT {

namespace detail {

// Bytes as elements of T.
template <class T> result<span<const T>> elements(const void *data, std::size_t len) noexcept {
    static_assert(std::is_trivially_copyable_v<T>, "bytes can be trivially copyable T");
    if (len % sizeof(T) != 0)
        return error(status::invalid_argument,
                     "the size in bytes is not a multiple of the element's");
    if (reinterpret_cast<std::uintptr_t>(data) % alignof(T) != 0 && len != 0)
        return error(status::unsupported, "the bytes aren't aligned for this element");
    return span<const T>(static_cast<const T *>(data), len / sizeof(T));
}

} // namespace detail

/// Holds what tenant::read_into has read, one entry per range. It belongs to no runtime. One thread
/// at a time may use it.
class outputs {
  public:
    /// No outputs: calls give null_pointer.
    outputs() noexcept = default;

    static result<outputs> create() noexcept {
        outputs created;
        detail::failure why;
        const rota_status code = ::rota_outputs_create(&created.handle_, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return created;
    }

    outputs(outputs &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    outputs &operator=(outputs &&other) noexcept {
        outputs taken(std::move(other));
        std::swap(handle_, taken.handle_);
        return *this;
    }
    ~outputs() {
        if (handle_ != nullptr)
            static_cast<void>(::rota_outputs_destroy(handle_, nullptr));
    }

    /// Entry i as elements of T, valid until the next read_into or the end of the outputs.
    /// Errors: as rota_outputs_get; invalid_argument if it isn't a whole number of T.
    template <class T = std::byte> result<span<const T>> get(std::size_t i) const noexcept {
        const void *data = nullptr;
        std::size_t len = 0;
        detail::failure why;
        const rota_status code = ::rota_outputs_get(handle_, i, &data, &len, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return detail::elements<T>(data, len);
    }

    /// What the last read_into reused, moved and appended.
    result<outputs_stats> stats() const noexcept {
        outputs_stats told = ROTA_OUTPUTS_STATS_INIT;
        detail::failure why;
        const rota_status code = ::rota_outputs_get_stats(handle_, &told, why.slot());
        if (code != ROTA_STATUS_OK)
            return why.with(code);
        return told;
    }

    explicit operator bool() const noexcept { return handle_ != nullptr; }
    /// The C handle, which stays these outputs'; NULL if there are none.
    rota_outputs *native() const noexcept { return handle_; }

  private:
    rota_outputs *handle_ = nullptr;
};

} // namespace ROTA_HPP_DIALECT
} // namespace rota

#endif
